"""How bytes become rows, and rows become workbooks. Knows no partner, no table and no rule."""
