/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "base/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "base/util.h"

/*
 * Built from libyaml's events. Its documents have no anchors or explicit tags any more and resolve
 * aliases, and their loader recurses as deep as the text says.
 */
struct builder {
	const char *input;
	size_t input_len;
	ydoc_complain *complain;
	void *userdata;
	struct ydoc *doc;
	size_t nodes;
	struct ynode *stack[YDOC_DEPTH_MAX]; /* the open lists and maps */
	struct ynode *key[YDOC_DEPTH_MAX];   /* of a map: a key without its value yet */
	size_t depth;
};

static void complain_at(struct builder *b, const yaml_mark_t *mark, const char *msg)
{
	b->complain((unsigned)mark->line + 1, (unsigned)mark->column + 1, msg, b->userdata);
}

static void ydoc_free_p(struct ydoc **doc)
{
	ydoc_free(*doc);
}

static void event_delete(yaml_event_t *event)
{
	yaml_event_delete(event);
}

/* Line and column of a byte: libyaml's reader reports offsets only. */
static void offset_place(const char *text, size_t offset, unsigned *ret_line, unsigned *ret_column)
{
	unsigned line = 1, column = 1;

	for (size_t i = 0; i < offset; i++) {
		bool crlf = text[i] == '\r' && i + 1 < offset && text[i + 1] == '\n';

		if (crlf)
			continue;
		if (text[i] == '\n' || text[i] == '\r') {
			line++;
			column = 1;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			column++;
		}
	}
	*ret_line = line;
	*ret_column = column;
}

/* Whether the character at @mark is a tab: libyaml's message does not mention it. */
static bool is_tab_at(const char *text, size_t len, const yaml_mark_t *mark)
{
	size_t chars = 0;

	for (size_t i = 0; i < len; i++) {
		if (((unsigned char)text[i] & 0xc0) == 0x80)
			continue;
		if (chars++ == mark->index)
			return text[i] == '\t';
	}
	return false;
}

/* Reports libyaml's error. */
static int complain_parser(struct builder *b, const yaml_parser_t *parser)
{
	const char *problem = parser->problem ? parser->problem : "not understood";
	unsigned line, column;
	char msg[256];

	switch (parser->error) {
	case YAML_MEMORY_ERROR:
		return -ENOMEM;
	case YAML_READER_ERROR:
		offset_place(b->input,
			     parser->problem_offset < b->input_len ? parser->problem_offset
								   : b->input_len,
			     &line, &column);
		snprintf(msg, sizeof(msg), "%s; the file must be UTF-8 text", problem);
		b->complain(line, column, msg, b->userdata);
		return -EINVAL;
	default:
		break;
	}

	if (is_tab_at(b->input, b->input_len, &parser->problem_mark))
		snprintf(msg, sizeof(msg), "a tab where only spaces may be; indent by spaces");
	else if (parser->context)
		snprintf(msg, sizeof(msg), "%s (%s)", problem, parser->context);
	else
		snprintf(msg, sizeof(msg), "%s", problem);
	complain_at(b, &parser->problem_mark, msg);
	return -EINVAL;
}

/* A node that the tree owns but does not contain yet. NULL: out of memory. */
static struct ynode *node_new(struct builder *b, enum ynode_kind kind, const yaml_mark_t *mark,
			      const char *text, size_t len)
{
	struct ynode *node;
	char *copy;

	node = calloc(1, sizeof(*node) + len + 1);
	if (!node)
		return NULL;

	copy = (char *)(node + 1);
	if (len > 0)
		memcpy(copy, text, len);
	node->kind = kind;
	node->line = (unsigned)mark->line + 1;
	node->column = (unsigned)mark->column + 1;
	node->text = copy;
	node->len = len;
	node->all_ = b->doc->all_;
	b->doc->all_ = node;
	return node;
}

static struct ynode *map_find(const struct ynode *map, const char *name)
{
	for (struct ynode *value = map->first; value; value = value->next)
		if (strcmp(value->key->text, name) == 0)
			return value;
	return NULL;
}

/* Whether @key may be the next key of @map; reports why not. */
static bool key_is_good(struct builder *b, const struct ynode *map, const struct ynode *key,
			const yaml_mark_t *mark)
{
	const struct ynode *twin;
	char msg[96];

	switch (key->kind) {
	case YNODE_BAD:
		return false;
	case YNODE_LIST:
	case YNODE_MAP:
		complain_at(b, mark, "a list or mapping cannot be a key; a key is a word");
		return false;
	case YNODE_SCALAR:
		break;
	}

	twin = map_find(map, key->text);
	if (twin) {
		snprintf(msg, sizeof(msg),
			 "this key was given already, in line %u; once is allowed",
			 twin->key->line);
		complain_at(b, mark, msg);
		return false;
	}
	return true;
}

/* Adds a node to the tree: as the root, or the next value or key of the open list or map. */
static int node_attach(struct builder *b, struct ynode *node, const yaml_mark_t *mark)
{
	struct ynode *parent, *key;

	if (b->depth == 0) {
		b->doc->root = node;
		return 0;
	}

	parent = b->stack[b->depth - 1];
	if (parent->kind == YNODE_MAP) {
		key = b->key[b->depth - 1];
		if (!key) {
			if (!key_is_good(b, parent, node, mark))
				node->kind = node->kind == YNODE_SCALAR ? YNODE_BAD : node->kind;
			b->key[b->depth - 1] = node;
			return 0;
		}
		b->key[b->depth - 1] = NULL;
		/* the value of a refused key is dropped too */
		if (key->kind != YNODE_SCALAR)
			return 0;
		/* bounds the search for duplicates, which is quadratic */
		if (parent->count == YDOC_KEYS_MAX) {
			complain_at(b, mark,
				    "too many keys in one mapping; at most 256 are allowed");
			return -EINVAL;
		}
		node->key = key;
	}

	if (parent->last_)
		parent->last_->next = node;
	else
		parent->first = node;
	parent->last_ = node;
	parent->count++;
	return 0;
}

/* Reports anchors and tags, which any node may have; parsing goes on. */
static void check_anchor_and_tag(struct builder *b, const yaml_mark_t *mark, const void *anchor,
				 const void *tag, const char *default_tag)
{
	if (anchor)
		complain_at(b, mark, "anchors (&name) are not allowed; write the value out");
	if (tag && strcmp(tag, "!") != 0 && strcmp(tag, default_tag) != 0)
		complain_at(b, mark, "tags (!name) are not allowed");
}

static int take_scalar(struct builder *b, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	struct ynode *node;

	node = node_new(b, YNODE_SCALAR, &event->start_mark, text, len);
	if (!node)
		return -ENOMEM;

	check_anchor_and_tag(b, &event->start_mark, event->data.scalar.anchor,
			     event->data.scalar.tag, YAML_STR_TAG);
	node->plain = event->data.scalar.plain_implicit &&
		      event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	/* "\0" between double quotes would hide the rest of the text */
	if (memchr(text, '\0', len)) {
		complain_at(b, &event->start_mark, "NUL bytes are not allowed");
		node->kind = YNODE_BAD;
	}
	return node_attach(b, node, &event->start_mark);
}

static int take_alias(struct builder *b, const yaml_event_t *event)
{
	struct ynode *node;

	node = node_new(b, YNODE_BAD, &event->start_mark, NULL, 0);
	if (!node)
		return -ENOMEM;

	complain_at(b, &event->start_mark, "aliases (*name) are not allowed; write the value out");
	return node_attach(b, node, &event->start_mark);
}

static int open_container(struct builder *b, const yaml_event_t *event, enum ynode_kind kind)
{
	struct ynode *node;
	int r;

	if (b->depth == YDOC_DEPTH_MAX) {
		complain_at(b, &event->start_mark,
			    "too deep; at most 16 lists and mappings may be inside one another");
		return -EINVAL;
	}

	node = node_new(b, kind, &event->start_mark, NULL, 0);
	if (!node)
		return -ENOMEM;

	if (kind == YNODE_LIST)
		check_anchor_and_tag(b, &event->start_mark, event->data.sequence_start.anchor,
				     event->data.sequence_start.tag, YAML_SEQ_TAG);
	else
		check_anchor_and_tag(b, &event->start_mark, event->data.mapping_start.anchor,
				     event->data.mapping_start.tag, YAML_MAP_TAG);

	r = node_attach(b, node, &event->start_mark);
	if (r < 0)
		return r;

	b->stack[b->depth] = node;
	b->key[b->depth] = NULL;
	b->depth++;
	return 0;
}

/* 1: the text ends, 0: there is more, or -errno. */
static int take_event(struct builder *b, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (b->doc->root) {
			complain_at(b, &event->start_mark,
				    "a second document begins; one is allowed");
			return -EINVAL;
		}
		if (event->data.document_start.tag_directives.start !=
		    event->data.document_start.tag_directives.end)
			complain_at(b, &event->start_mark, "%TAG is not allowed");
		return 0;
	case YAML_SCALAR_EVENT:
	case YAML_ALIAS_EVENT:
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		if (++b->nodes > YDOC_NODES_MAX) {
			complain_at(b, &event->start_mark,
				    "too many values; at most 100000 are allowed");
			return -EINVAL;
		}
		if (event->type == YAML_SCALAR_EVENT)
			return take_scalar(b, event);
		if (event->type == YAML_ALIAS_EVENT)
			return take_alias(b, event);
		return open_container(b, event,
				      event->type == YAML_SEQUENCE_START_EVENT ? YNODE_LIST
									       : YNODE_MAP);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		b->depth--;
		return 0;
	case YAML_STREAM_END_EVENT:
		return 1;
	default:
		return 0;
	}
}

static int parse_events(struct builder *b, yaml_parser_t *parser)
{
	int r;

	do {
		_cleanup_(event_delete) yaml_event_t event = {0};

		if (!yaml_parser_parse(parser, &event))
			return complain_parser(b, parser);
		r = take_event(b, &event);
	} while (r == 0);

	return r < 0 ? r : 0;
}

int ydoc_parse(const char *text, size_t len, ydoc_complain *complain, void *userdata,
	       struct ydoc **ret)
{
	_cleanup_(ydoc_free_p) struct ydoc *doc = NULL;
	yaml_parser_t parser;
	struct builder b;
	int r;

	if (len > YDOC_SIZE_MAX) {
		complain(1, 1, YDOC_TOO_LARGE, userdata);
		return -EINVAL;
	}

	doc = calloc(1, sizeof(*doc));
	if (!doc)
		return -ENOMEM;

	b = (struct builder){
		.input = text,
		.input_len = len,
		.complain = complain,
		.userdata = userdata,
		.doc = doc,
	};
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	/* otherwise libyaml guesses, and would accept UTF-16 */
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	r = parse_events(&b, &parser);
	yaml_parser_delete(&parser);
	if (r < 0)
		return r;

	*ret = TAKE_PTR(doc);
	return 0;
}

void ydoc_free(struct ydoc *doc)
{
	struct ynode *node, *next;

	if (!doc)
		return;

	for (node = doc->all_; node; node = next) {
		next = node->all_;
		free(node);
	}
	free(doc);
}
