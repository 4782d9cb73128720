"""Metric files become tables, figures and one page for people.

``columns`` what each metric means, ``paper`` the paper's own figures, ``systems`` names and colours, ``tables`` which tables
there are (and as CSV and for a terminal), ``comparisons`` those of pairs, ``latex`` the same for a manuscript, ``canvas`` and
``plots`` the figures, ``page`` all of it on one page.
"""
