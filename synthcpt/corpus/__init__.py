"""Reading a corpus: files, folders and datasets in, one stream of documents out."""

from synthcpt.corpus.reader import DocumentStream, ReadCounts, read_documents

__all__ = ["DocumentStream", "ReadCounts", "read_documents"]
