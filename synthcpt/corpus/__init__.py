"""Reading a corpus: files, folders and datasets in, one stream of documents out."""

from synthcpt.corpus.reader import ReadCounts, read_documents

__all__ = ["ReadCounts", "read_documents"]
