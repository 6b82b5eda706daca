"""Full-text search: parsing, ranking, fusion, and the page of results."""
