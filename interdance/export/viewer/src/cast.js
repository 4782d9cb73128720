// Who is shown: the leader and one follower at first. More followers, one on top of the other, are there at a click, and two can
// stand side by side, each in a pane of her own with the leader.
import { $, dot, press } from './page.js';

export class Cast {
  // `descriptions`: of the dancers; the first leads.
  constructor(descriptions, stage, onShow) {
    this.descriptions = descriptions;
    this.stage = stage;
    this.onShow = onShow;
    this.followers = descriptions.map((_, index) => index).slice(1);
    this.boxes = descriptions.map((description, index) => this.box(description, index));
    this.picked = [1, 2];  // who are side by side, or will be
    this.isBeside = false;
    this.heads = [0, 1].map(pane => this.head(pane));
    $('beside').hidden = this.followers.length < 2;
    $('beside').onclick = () => this.toggleBeside();
    new ResizeObserver(() => this.show()).observe($('stage'));
  }

  box({ name, colour, kind }, index) {
    const label = document.createElement('label'), box = document.createElement('input');
    box.type = 'checkbox';
    box.checked = index < 2;
    box.addEventListener('change', () => this.show());
    label.classList.toggle('follower', index > 0);
    label.style.setProperty('--colour', colour);
    if (kind === 'joints') label.title = 'Only the joints of this dancer are known';
    label.append(box, dot(colour), name);
    $('dancers').append(label);
    return box;
  }

  // The name above a pane, to choose from when there are more than two; returns what shows it.
  head(pane) {
    const head = document.createElement('div'), mark = document.createElement('b'), choice = document.createElement('select');
    head.className = 'head';
    mark.textContent = 'AB'[pane];
    choice.setAttribute('aria-label', `Follower ${'AB'[pane]}`);
    for (const index of this.followers) choice.add(new Option(this.descriptions[index].name, index));
    choice.addEventListener('change', () => this.setBeside(this.picked.map((index, at) => at === pane ? Number(choice.value) : index)));
    const name = document.createElement('span'), spot = dot('');
    head.append(mark, spot, this.followers.length > 2 ? choice : name);
    $('heads').append(head);
    return () => {
      const [left, top, wide] = this.stage.pane(pane), { name: words, colour } = this.descriptions[this.picked[pane]];
      Object.assign(head.style, { left: `${100 * left}%`, top: `${100 * top}%`, width: `${100 * wide}%` });
      spot.style.setProperty('--colour', colour);
      name.textContent = words;
      choice.value = this.picked[pane];
    };
  }

  inPane(pane) {
    const checked = this.boxes.map((_, index) => index).filter(index => this.boxes[index].checked);
    return this.isBeside ? [...checked.filter(index => !index), this.picked[pane]] : checked;
  }

  // In any pane.
  get shown() { return [...new Set([...this.inPane(0), ...this.inPane(1)])]; }

  show() {
    const { stage, isBeside } = this;
    document.body.classList.toggle('beside', isBeside);
    document.body.classList.toggle('tall', stage.isTall);
    // Names lie above the couple where there is no room beside it.
    const isNarrow = stage.isTall || $('stage').clientHeight < 420;
    stage.split(isBeside ? 2 : 1, isBeside ? 46 : isNarrow ? $('dancers').getBoundingClientRect().bottom : 0);
    if (isBeside) for (const showHead of this.heads) showHead();
    this.onShow();
  }

  // Two followers in two panes, or, with null, all in one.
  setBeside(pair) {
    this.isBeside = Boolean(pair) && this.followers.length > 1;
    if (this.isBeside) this.picked = pair;
    press('beside', this.isBeside);
    this.show();
  }

  toggleBeside() { this.setBeside(this.isBeside ? null : this.picked); }

  toggle(index) { this.boxes[index]?.click(); }
}
