"""The admission dialect: experiences, queues, and who may check out."""
