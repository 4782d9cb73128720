// What lights mean. Gold is lighter and red darker than every dancer's colour, so that they differ to eyes that see no red or green.
export const CONTACT = '#ffcb3d';
export const PENETRATION = '#d11f2f';
// The same on the pale timeline, where gold would be lost.
export const CONTACT_BAR = '#d99500';
export const PENETRATION_BAR = '#cf2433';
