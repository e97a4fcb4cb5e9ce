/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Compares vmlinux/vmlinux.h with the running kernel. What it declares and build/bpf/fastoom.o
 * uses is in the kernel's BTF with the same name, kind and size. Else it is listed here as
 * optional, with the reason, and its substitute is in the kernel.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/util.h"
#include "unit/unit.h"

#define KERNEL "/sys/kernel/btf/vmlinux"
#define HEADER "vmlinux/vmlinux.h"

/* "struct" or "struct.member", as vmlinux.h has it. */
struct optional {
	const char *name;
	const char *instead; /* its substitute, must be there when this is not; NULL: none needed */
	const char *why;
};

static const struct optional optional[] = {
	{"mm_rss_stat", "mm_struct.rss_stat", "gone in 6.2, f1a7941243c1"},
	{"mm_struct___before62.rss_stat", "mm_struct.rss_stat", "a struct before 6.2"},
	{"mm_struct.rss_stat", "mm_struct___before62.rss_stat", "an array since 6.2"},
	{"task_struct.active_memcg", NULL, "since 5.10, b87d8cefe43c; CONFIG_MEMCG"},
	{"task_struct.__state", "task_struct___before514.state", "since 5.14, 2f064a59a11f"},
	{"task_struct___before514.state", "task_struct.__state", "renamed in 5.14"},
	{"task_struct.reclaim_state", NULL, "how the task sleeps stands in for it"},
	{"folio", "page.mapping", "since 5.16"},
	{"folio._nr_pages", NULL, "since 6.15, 4eeec8c89a0c; before: _folio_nr_pages"},
	{"folio._flags_1", NULL, "since 6.4"},
	{"folio___before615", "page.mapping", "folios are since 5.16"},
	{"folio___before615._folio_nr_pages", NULL, "5.18 to 6.14 on 64 bit, 378c6a4a1d1a"},
	{"folio___flags_struct", "page.mapping", "folios are since 5.16"},
	{"folio___flags_struct.flags", "folio___flags_word.flags", "a struct since 6.18"},
	{"folio___flags_word", "page.mapping", "folios are since 5.16"},
	{"folio___flags_word.flags", "folio___flags_struct.flags", "a word before 6.18"},
	{"memdesc_flags_t", NULL, "since 6.18, 53fbef56e07d"},
	{"page.mapping", "folio.mapping", "tracepoints have folios since 5.18"},
	{"page.flags", "folio___flags_struct.flags",
	 "tracepoints have folios since 5.18; a struct since 6.18"},
	{"page.index", "folio.index", "tracepoints have folios since 5.18; renamed in 6.16"},
};

/* The differences found, a line each. */
struct complaints {
	char text[8192];
	size_t len;
	unsigned count;
};

static void complain(struct complaints *c, const char *what, const char *why)
{
	int n = snprintf(c->text + c->len, sizeof(c->text) - c->len, "%s: %s\n", what, why);

	c->count++;
	if (n > 0 && (size_t)n < sizeof(c->text) - c->len)
		c->len += (size_t)n;
}

static const char *name_of(const struct btf *btf, const struct btf_type *type)
{
	const char *name = btf__name_by_offset(btf, type->name_off);

	return name ? name : "";
}

/* Without the flavour, which CO-RE ignores. */
static void plain_name(char *to, size_t size, const char *name)
{
	const char *flavour = strstr(name, "___");

	snprintf(to, size, "%.*s", flavour ? (int)(flavour - name) : (int)strlen(name), name);
}

/* Resolves typedef, const, volatile and restrict. */
static const struct btf_type *bare(const struct btf *btf, __u32 id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	while (type && (btf_is_mod(type) || btf_is_typedef(type)))
		type = btf__type_by_id(btf, type->type);
	return type;
}

/* A member by name, also within anonymous members; *ret_bits: of a bit field, else 0. */
static const struct btf_type *find_member(const struct btf *btf, const struct btf_type *type,
					  const char *name, unsigned *ret_bits)
{
	const struct btf_member *member = btf_members(type);

	for (__u32 i = 0; i < btf_vlen(type); i++, member++) {
		const char *own = btf__name_by_offset(btf, member->name_off);
		const struct btf_type *of = bare(btf, member->type), *found;

		if (own && *own) {
			if (strcmp(own, name) != 0)
				continue;
			*ret_bits = btf_member_bitfield_size(type, i);
			return of;
		}
		if (!of || !btf_is_composite(of))
			continue;
		found = find_member(btf, of, name, ret_bits);
		if (found)
			return found;
	}
	return NULL;
}

static bool is_number(const struct btf_type *type)
{
	return btf_is_int(type) || btf_is_any_enum(type);
}

static const char *members_differ(const struct btf *object, const struct btf_type *declared_type,
				  const struct btf *kernel, const struct btf_type *kernel_type);

/* NULL, or how the kernel's type differs from the declared one. */
static const char *types_differ(const struct btf *object, const struct btf_type *declared_type,
				const struct btf *kernel, const struct btf_type *kernel_type)
{
	char a[128], b[128];

	if (!declared_type || !kernel_type)
		return "not a type";
	if (is_number(declared_type) && is_number(kernel_type)) {
		if (declared_type->size != kernel_type->size)
			return "of another size";
		/* whether char is signed depends on the compiler */
		if (declared_type->size > 1 && btf_is_int(declared_type) &&
		    btf_is_int(kernel_type) &&
		    ((btf_int_encoding(declared_type) ^ btf_int_encoding(kernel_type)) &
		     BTF_INT_SIGNED))
			return "of another sign";
		return NULL;
	}
	if (btf_is_composite(declared_type) && btf_is_composite(kernel_type)) {
		plain_name(a, sizeof(a), name_of(object, declared_type));
		plain_name(b, sizeof(b), name_of(kernel, kernel_type));
		if (*a)
			return strcmp(a, b) ? "another struct" : NULL; /* checked by itself */
		return members_differ(object, declared_type, kernel, kernel_type);
	}
	if (btf_kind(declared_type) != btf_kind(kernel_type))
		return "of another kind";
	if (btf_is_array(declared_type))
		return types_differ(object, bare(object, btf_array(declared_type)->type), kernel,
				    bare(kernel, btf_array(kernel_type)->type));
	if (btf_is_ptr(declared_type)) {
		declared_type = bare(object, declared_type->type);
		kernel_type = bare(kernel, kernel_type->type);
		if (!declared_type || !kernel_type || !*name_of(object, declared_type) ||
		    !*name_of(kernel, kernel_type) || is_number(declared_type))
			return NULL;
		plain_name(a, sizeof(a), name_of(object, declared_type));
		plain_name(b, sizeof(b), name_of(kernel, kernel_type));
		return strcmp(a, b) ? "a pointer to something else" : NULL;
	}
	return NULL;
}

static const char *member_differs(const struct btf *object, const struct btf_type *declared_type,
				  __u32 i, const struct btf *kernel,
				  const struct btf_type *kernel_type)
{
	const struct btf_member *member = &btf_members(declared_type)[i];
	unsigned bits = 0;
	const struct btf_type *found = find_member(
		kernel, kernel_type, btf__name_by_offset(object, member->name_off), &bits);

	if (!found)
		return "not in this kernel";
	if (!btf_member_bitfield_size(declared_type, i) != !bits)
		return "of another kind (a bit field)";
	return types_differ(object, bare(object, member->type), kernel, found);
}

/* Of an anonymous struct in a typedef. */
static const char *members_differ(const struct btf *object, const struct btf_type *declared_type,
				  const struct btf *kernel, const struct btf_type *kernel_type)
{
	for (__u32 i = 0; i < btf_vlen(declared_type); i++) {
		const char *why = member_differs(object, declared_type, i, kernel, kernel_type);

		if (why)
			return why;
	}
	return NULL;
}

static const struct btf_type *find_in_kernel(const struct btf *kernel, const char *name, int kind)
{
	char plain[128];
	int id;

	plain_name(plain, sizeof(plain), name);
	id = btf__find_by_name_kind(kernel, plain, (__u32)kind);
	return id < 0 ? NULL : btf__type_by_id(kernel, (__u32)id);
}

/* NULL, or how the declared "struct" or "struct.member" differs from the kernel's. */
static const char *differs(const struct btf *object, const char *name, const struct btf *kernel)
{
	const char *dot = strchrnul(name, '.');
	const struct btf_type *declared_type, *kernel_type;
	char type_name[128];
	int id;

	snprintf(type_name, sizeof(type_name), "%.*s", (int)(dot - name), name);
	id = btf__find_by_name_kind(object, type_name, BTF_KIND_STRUCT);
	if (id < 0)
		return "not in the object";
	declared_type = btf__type_by_id(object, (__u32)id);
	kernel_type = find_in_kernel(kernel, type_name, BTF_KIND_STRUCT);
	if (!kernel_type)
		return "no such struct in this kernel";
	if (!*dot)
		return NULL;
	for (__u32 i = 0; i < btf_vlen(declared_type); i++)
		if (!strcmp(btf__name_by_offset(object, btf_members(declared_type)[i].name_off),
			    dot + 1))
			return member_differs(object, declared_type, i, kernel, kernel_type);
	return "not in the object";
}

/* A complaint, unless @name is optional and its substitute is there. */
static void judge(struct complaints *c, const struct btf *object, const struct btf *kernel,
		  const char *name, const char *why)
{
	for (size_t i = 0; i < ARRAY_SIZE(optional); i++) {
		if (strcmp(optional[i].name, name) != 0)
			continue;
		if (optional[i].instead && differs(object, optional[i].instead, kernel)) {
			complain(c, name, "optional, but its substitute is not there either");
			return;
		}
		printf("absent: %s: %s (%s)\n", name, why, optional[i].why);
		return;
	}
	complain(c, name, why);
}

static void check_struct(struct complaints *c, const struct btf *object,
			 const struct btf_type *declared_type, const struct btf *kernel)
{
	const char *struct_name = name_of(object, declared_type);
	const struct btf_type *kernel_type = find_in_kernel(kernel, struct_name, BTF_KIND_STRUCT);
	char name[256];

	if (!kernel_type) {
		judge(c, object, kernel, struct_name, "no such struct in this kernel");
		return;
	}
	for (__u32 i = 0; i < btf_vlen(declared_type); i++) {
		const char *why = member_differs(object, declared_type, i, kernel, kernel_type);

		snprintf(name, sizeof(name), "%s.%s", struct_name,
			 btf__name_by_offset(object, btf_members(declared_type)[i].name_off));
		if (why)
			judge(c, object, kernel, name, why);
	}
}

static bool enum_has(const struct btf *btf, const struct btf_type *type, const char *name)
{
	if (btf_is_enum(type)) {
		for (__u32 i = 0; i < btf_vlen(type); i++)
			if (!strcmp(btf__name_by_offset(btf, btf_enum(type)[i].name_off), name))
				return true;
	} else {
		for (__u32 i = 0; i < btf_vlen(type); i++)
			if (!strcmp(btf__name_by_offset(btf, btf_enum64(type)[i].name_off), name))
				return true;
	}
	return false;
}

/* Values are relocated; only the names must be there. */
static void check_enum(struct complaints *c, const struct btf *object,
		       const struct btf_type *declared_type, const struct btf *kernel)
{
	const struct btf_type *kernel_type =
		find_in_kernel(kernel, name_of(object, declared_type), BTF_KIND_ENUM);
	char name[256];

	if (!kernel_type)
		kernel_type =
			find_in_kernel(kernel, name_of(object, declared_type), BTF_KIND_ENUM64);
	for (__u32 i = 0; i < btf_vlen(declared_type); i++) {
		const char *value =
			btf__name_by_offset(object, btf_enum(declared_type)[i].name_off);

		snprintf(name, sizeof(name), "%s.%s", name_of(object, declared_type), value);
		if (!kernel_type)
			judge(c, object, kernel, name, "no such enum in this kernel");
		else if (!enum_has(kernel, kernel_type, value))
			judge(c, object, kernel, name, "not in this kernel");
	}
}

static void check_typedef(struct complaints *c, const struct btf *object,
			  const struct btf_type *declared_type, const struct btf *kernel)
{
	const struct btf_type *kernel_type =
		find_in_kernel(kernel, name_of(object, declared_type), BTF_KIND_TYPEDEF);
	const char *why = "no such type in this kernel";

	if (kernel_type)
		why = types_differ(object, bare(object, declared_type->type), kernel,
				   bare(kernel, kernel_type->type));
	if (why)
		judge(c, object, kernel, name_of(object, declared_type), why);
}

/* One declared type; false: the object does not use it. */
static bool check_type(struct complaints *c, const struct btf *object, const char *name, int kind,
		       const struct btf *kernel)
{
	int id = btf__find_by_name_kind(object, name, (__u32)kind);
	const struct btf_type *declared_type;

	if (id < 0)
		return false;
	declared_type = btf__type_by_id(object, (__u32)id);
	if (kind == BTF_KIND_STRUCT)
		check_struct(c, object, declared_type, kernel);
	else if (kind == BTF_KIND_ENUM)
		check_enum(c, object, declared_type, kernel);
	else
		check_typedef(c, object, declared_type, kernel);
	return true;
}

/* ---- vmlinux.h --------------------------------------------------------- */

struct declared {
	char name[96];
	int kind;
};

/* The types between the two pragmas. */
static size_t scan_header(struct declared *ret, size_t most)
{
	_cleanup_fclose_ FILE *file = fopen(HEADER, "re");
	bool relocated = false;
	char line[512];
	size_t n = 0;

	if (!file)
		fail_msg(HEADER ": %s", strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		struct declared *d = &ret[n];
		char brace = 0;

		if (strstr(line, "preserve_access_index"))
			relocated = true;
		else if (strstr(line, "attribute pop"))
			relocated = false;
		if (!relocated)
			continue;
		if (n == most)
			fail_msg("the header has more types than the test has room for");
		if (sscanf(line, "struct %95[A-Za-z0-9_] %c", d->name, &brace) == 2 && brace == '{')
			d->kind = BTF_KIND_STRUCT;
		else if (sscanf(line, "enum %95[A-Za-z0-9_] %c", d->name, &brace) == 2 &&
			 brace == '{')
			d->kind = BTF_KIND_ENUM;
		else if (sscanf(line, "} %95[A-Za-z0-9_]%c", d->name, &brace) == 2 && brace == ';')
			d->kind = BTF_KIND_TYPEDEF;
		else
			continue;
		n++;
	}
	return n;
}

/* ---- tests ------------------------------------------------------------- */

static struct btf *kernel_btf, *object_btf;
static struct declared declared[128];
static size_t declared_count;

static int set_up(void **state)
{
	const char *build = getenv("O");
	char path[4096];

	(void)state;
	snprintf(path, sizeof(path), "%s/bpf/fastoom.o", build ? build : "build");
	kernel_btf = btf__parse(KERNEL, NULL);
	object_btf = btf__parse(path, NULL);
	if (!kernel_btf || !object_btf) {
		fprintf(stderr, "%s: %s\n", kernel_btf ? path : KERNEL, strerror(errno));
		return -1;
	}
	declared_count = scan_header(declared, ARRAY_SIZE(declared));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	btf__free(kernel_btf);
	btf__free(object_btf);
	return 0;
}

static void test_all_there(void **state)
{
	struct complaints c = {0};
	size_t looked_at = 0;

	(void)state;
	for (size_t i = 0; i < declared_count; i++)
		looked_at +=
			check_type(&c, object_btf, declared[i].name, declared[i].kind, kernel_btf);
	if (c.count)
		fail_msg("%u of vmlinux.h differ from this kernel:\n%s", c.count, c.text);
	/* the scan and the object's BTF find types */
	assert_true(looked_at > 20);
}

/* The programs use every type of vmlinux.h. */
static void test_all_used(void **state)
{
	struct complaints unused = {0};

	(void)state;
	for (size_t i = 0; i < declared_count; i++)
		if (btf__find_by_name_kind(object_btf, declared[i].name, (__u32)declared[i].kind) <
		    0)
			complain(&unused, declared[i].name, "declared, and used by no program");
	if (unused.count)
		fail_msg("%s", unused.text);
}

/* Every optional entry is in vmlinux.h. */
static void test_optional_exist(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(optional); i++) {
		const char *why = differs(object_btf, optional[i].name, kernel_btf);

		if (btf__find_by_name_kind(object_btf, optional[i].name, BTF_KIND_TYPEDEF) >= 0)
			continue;
		if (why && !strcmp(why, "not in the object"))
			fail_msg("%s is optional, but not in vmlinux.h", optional[i].name);
	}
}

/* BTF of invalid declarations, for the checks of the check. */
static struct btf *made_up_btf(void)
{
	struct btf *btf = btf__new_empty();
	int u64_id, int_id, ptr_id, struct_id;

	assert_non_null(btf);
	u64_id = btf__add_int(btf, "unsigned long", 8, 0);
	int_id = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	assert_true(u64_id > 0 && int_id > 0);

	struct_id = btf__add_struct(btf, "task_struct___made_up", 64);
	assert_true(struct_id > 0);
	assert_int_equal(btf__add_field(btf, "tgid", int_id, 0, 0), 0);
	assert_int_equal(btf__add_field(btf, "made_up", int_id, 32, 0), 0);
	assert_int_equal(btf__add_field(btf, "pid", u64_id, 64, 0), 0);
	assert_int_equal(btf__add_field(btf, "mm", int_id, 128, 0), 0);

	ptr_id = btf__add_ptr(btf, struct_id);
	assert_true(ptr_id > 0);
	assert_true(btf__add_struct(btf, "mm_struct", 64) > 0);
	assert_int_equal(btf__add_field(btf, "total_vm", u64_id, 0, 0), 0);
	assert_int_equal(btf__add_field(btf, "exe_file", ptr_id, 64, 0), 0);

	assert_true(btf__add_struct(btf, "no_such_struct", 8) > 0);
	assert_int_equal(btf__add_field(btf, "x", int_id, 0, 0), 0);

	assert_true(btf__add_enum(btf, "pageflags", 4) > 0);
	assert_int_equal(btf__add_enum_value(btf, "PG_locked", 17), 0);
	assert_int_equal(btf__add_enum_value(btf, "PG_made_up", 1), 0);
	return btf;
}

static void test_it_can_fail(void **state)
{
	static const struct {
		const char *name;
		int kind;
	} types[] = {
		{"task_struct___made_up", BTF_KIND_STRUCT},
		{"mm_struct", BTF_KIND_STRUCT},
		{"no_such_struct", BTF_KIND_STRUCT},
		{"pageflags", BTF_KIND_ENUM},
	};
	static const char wanted[] = "task_struct___made_up.made_up: not in this kernel\n"
				     "task_struct___made_up.pid: of another size\n"
				     "task_struct___made_up.mm: of another kind\n"
				     "mm_struct.exe_file: a pointer to something else\n"
				     "no_such_struct: no such struct in this kernel\n"
				     "pageflags.PG_made_up: not in this kernel\n";
	struct btf *made_up = made_up_btf();
	struct complaints c = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		assert_true(check_type(&c, made_up, types[i].name, types[i].kind, kernel_btf));
	assert_string_equal(c.text, wanted);
	assert_false(check_type(&c, made_up, "cgroup", BTF_KIND_STRUCT, kernel_btf));
	btf__free(made_up);
}

/* An optional entry is a complaint when its substitute is missing, too. */
static void test_instead_can_fail(void **state)
{
	struct btf *empty = btf__new_empty();
	struct complaints c = {0};

	(void)state;
	assert_non_null(empty);
	assert_true(check_type(&c, object_btf, "mm_struct___before62", BTF_KIND_STRUCT, empty));
	assert_true(check_type(&c, object_btf, "mm_rss_stat", BTF_KIND_STRUCT, empty));
	assert_string_equal(c.text,
			    "mm_struct___before62: no such struct in this kernel\n"
			    "mm_rss_stat: optional, but its substitute is not there either\n");
	btf__free(empty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_there),	 cmocka_unit_test(test_all_used),
		cmocka_unit_test(test_optional_exist),	 cmocka_unit_test(test_it_can_fail),
		cmocka_unit_test(test_instead_can_fail),
	};

	if (access(KERNEL, R_OK) < 0) {
		printf(KERNEL ": %s\n", strerror(errno));
		return 77;
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
