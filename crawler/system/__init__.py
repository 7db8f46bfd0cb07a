"""The operating system behind small doors: clock, stop, intake, loops, pools."""
