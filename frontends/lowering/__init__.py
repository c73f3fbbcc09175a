"""Operations of the frontends as StableHLO: `lower(scope, *operands, *statics)` on expressions. They know no framework."""
