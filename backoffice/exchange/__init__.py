"""Import and export: files (lines, tables, workbooks), the meaning of a row (sheets), imports, exports, pages."""
