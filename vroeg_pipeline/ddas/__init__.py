"""What CBS gets: DDAS-Vroegsignalering (docs/ddas.md)."""
