"""ldmatrix, stmatrix and mma.sync: what a warp does with tiles (PTX ISA, sections 9.7.14.5)."""
