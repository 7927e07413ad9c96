"""What every method needs to know of plain text: sentences, mentions, refusals, languages, reasoning to strip."""
