/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * yaml: a small, plain subset of YAML as a tree whose nodes know their line and column.
 *
 * One document of scalars, lists and maps. Refused: anchors and aliases, tags, duplicate
 * or compound keys, more than one document, NUL bytes, anything deep or large. All
 * scalars stay text: what "yes" or "1e3" means is for the reader of the tree to say.
 * The names begin with ydoc, for libyaml exports yaml_free() and others that a function
 * of ours with the same name would replace inside the library.
 *
 * Purity:    pure but for the complaints, which go to the caller's function.
 * Units:     lines and columns count from 1, columns in characters.
 * Errors:    0 or -errno, see ydoc_parse(); ret is written on success only.
 * Ownership: ydoc_parse() gives a tree that owns its nodes, ydoc_free() takes it whole.
 */
#ifndef FASTOOM_BASE_YAML_H
#define FASTOOM_BASE_YAML_H

#include <stdbool.h>
#include <stddef.h>

#define YDOC_SIZE_MAX  (1024 * 1024) /* bytes of text */
#define YDOC_DEPTH_MAX 16	     /* lists and maps inside one another */
#define YDOC_NODES_MAX 100000
#define YDOC_KEYS_MAX  256 /* in one map */

enum ynode_kind {
	YNODE_SCALAR,
	YNODE_LIST,
	YNODE_MAP,
	YNODE_BAD, /* complained of already (an alias, say): step over it */
};

struct ynode {
	enum ynode_kind kind;
	unsigned line;
	unsigned column;
	bool plain;	  /* a scalar without quotes or block marks */
	const char *text; /* of a scalar; ends in NUL and holds no other */
	size_t len;
	struct ynode *first; /* of a list or map: its values in the order of the text */
	struct ynode *next;  /* the value after this one */
	struct ynode *key;   /* of a value in a map: its key, a scalar */
	size_t count;	     /* of a list or map: its values */

	/* Of no concern outside. */
	struct ynode *last_;
	struct ynode *all_;
};

struct ydoc {
	struct ynode *root; /* NULL: nothing but space and comments */
	struct ynode *all_;
};

/* One thing that is wrong with the text; msg lives during the call only. */
typedef void ydoc_complain(unsigned line, unsigned column, const char *msg, void *userdata);

/*
 * 0: a tree, although there may have been complaints; it is good if there were none.
 * -EINVAL: complained of, and no use reading on. -ENOMEM.
 */
int ydoc_parse(const char *text, size_t len, ydoc_complain *complain, void *userdata,
	       struct ydoc **ret);

/* NULL is fine. */
void ydoc_free(struct ydoc *doc);

#endif /* FASTOOM_BASE_YAML_H */
