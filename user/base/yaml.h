/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * yaml: parses a subset of YAML into a tree whose nodes know their line and column.
 *
 * One document of scalars, lists and maps. Refused: anchors, aliases, tags, duplicate or compound
 * keys, a second document, NUL bytes, and what exceeds the limits below. Scalars stay text: the
 * reader of the tree interprets "yes" or "1e3". The names begin with ydoc because libyaml itself
 * calls yaml_free() and others, which functions of ours would replace.
 *
 * Purity:    pure; errors in the text go to the caller's function.
 * Units:     lines and columns count from 1, columns in characters.
 * Errors:    0 or -errno, see ydoc_parse(); ret is written on success only.
 * Ownership: ydoc_parse() gives the tree and its nodes, ydoc_free() takes them.
 */
#ifndef FASTOOM_BASE_YAML_H
#define FASTOOM_BASE_YAML_H

#include <stdbool.h>
#include <stddef.h>

/* Chosen far above a real configuration; the error messages name them. */
#define YDOC_SIZE_MAX  (1024 * 1024) /* bytes of text */
#define YDOC_TOO_LARGE "too large; at most 1 MiB is allowed"
#define YDOC_DEPTH_MAX 16 /* nested lists and maps */
#define YDOC_NODES_MAX 100000
#define YDOC_KEYS_MAX  256 /* in one map */

enum ynode_kind {
	YNODE_SCALAR,
	YNODE_LIST,
	YNODE_MAP,
	YNODE_BAD, /* reported already (an alias, say): skip it */
};

struct ynode {
	enum ynode_kind kind;
	unsigned line;
	unsigned column;
	bool plain;	  /* a scalar without quotes or block marks */
	const char *text; /* of a scalar; ends in a NUL and contains no other */
	size_t len;
	struct ynode *first; /* of a list or map: its values in the order of the text */
	struct ynode *next;  /* the next value of the same list or map */
	struct ynode *key;   /* of a value in a map: its key, a scalar */
	size_t count;	     /* of a list or map: its number of values */

	/* private to yaml.c */
	struct ynode *last_;
	struct ynode *all_;
};

struct ydoc {
	struct ynode *root; /* NULL: the text is empty, but for spaces and comments */
	struct ynode *all_;
};

/* Reports one error in the text; @msg is valid during the call. */
typedef void ydoc_complain(unsigned line, unsigned column, const char *msg, void *userdata);

/*
 * 0: there is a tree; it is complete if @complain was not called. -EINVAL: @complain was called,
 * and there is no tree. -ENOMEM.
 */
int ydoc_parse(const char *text, size_t len, ydoc_complain *complain, void *userdata,
	       struct ydoc **ret);

/* NULL is accepted. */
void ydoc_free(struct ydoc *doc);

#endif /* FASTOOM_BASE_YAML_H */
