"""The paper's tables of results: each row from its training or its published weights."""

#: Recipes of PooDLe's and FlowE's rows; here, as a command line needs them before the imports.
RECIPES = ('release', 'paper')
