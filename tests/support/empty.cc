// Keeps the support library buildable before it has other sources.
