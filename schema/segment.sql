-- The tables of a segment (.wbj), format versions 0 and 1. Readers compare them to the letter with sqlite_schema.
-- What the columns mean: FORMAT.md, "Segment". The file's application_id is 0x77626A30.
CREATE TABLE meta(key TEXT PRIMARY KEY,value,hash INTEGER)WITHOUT ROWID;
CREATE TABLE keys(id INTEGER PRIMARY KEY,name BLOB,hash INTEGER);
CREATE TABLE gaps(id INTEGER PRIMARY KEY,source INTEGER,first INTEGER,last INTEGER,hash INTEGER);
CREATE TABLE blocks(id INTEGER PRIMARY KEY,kind INTEGER,records INTEGER,first_ordinal INTEGER,last_ordinal INTEGER,first INTEGER,last INTEGER,first_keeper INTEGER,last_keeper INTEGER,raw_bytes INTEGER,hash INTEGER,data BLOB);
CREATE TABLE seal(id INTEGER PRIMARY KEY,blocks INTEGER,records INTEGER,keys INTEGER,gaps INTEGER,first INTEGER,last INTEGER,first_keeper INTEGER,last_keeper INTEGER,content INTEGER,hash INTEGER);
