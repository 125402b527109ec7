"""The screens: each lays out widgets, takes keys, and hands decisions on."""
