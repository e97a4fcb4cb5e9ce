/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * vmlinux/vmlinux.h against the running kernel: whatever it declares and build/bpf/fastoom.o
 * uses is in the kernel's BTF by name, kind and size, or is listed here as optional with the
 * reason, and then what stands for it is there.
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
	const char *instead; /* must be there when this is not; NULL: the programs do without */
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
	{"page.index", "folio.index", "tracepoints have folios since 5.18; renamed in 6.16"},
};

/* What was found to be wrong, one line each. */
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

/* Without the flavour that CO-RE does not look at. */
static void plain_name(char *to, size_t size, const char *name)
{
	const char *flavour = strstr(name, "___");

	snprintf(to, size, "%.*s", flavour ? (int)(flavour - name) : (int)strlen(name), name);
}

/* Behind typedef, const, volatile and restrict. */
static const struct btf_type *bare(const struct btf *btf, __u32 id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	while (type && (btf_is_mod(type) || btf_is_typedef(type)))
		type = btf__type_by_id(btf, type->type);
	return type;
}

/* A member by its name, also one of an anonymous member; *ret_bits: of a bit field, or 0. */
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

static const char *members_differ(const struct btf *ours, const struct btf_type *our,
				  const struct btf *kernel, const struct btf_type *theirs);

/* NULL, or why the kernel's type is not what ours takes it for. */
static const char *types_differ(const struct btf *ours, const struct btf_type *our,
				const struct btf *kernel, const struct btf_type *theirs)
{
	char a[128], b[128];

	if (!our || !theirs)
		return "not a type";
	if (is_number(our) && is_number(theirs)) {
		if (our->size != theirs->size)
			return "of another size";
		/* compilers do not agree on whether a char has one */
		if (our->size > 1 && btf_is_int(our) && btf_is_int(theirs) &&
		    ((btf_int_encoding(our) ^ btf_int_encoding(theirs)) & BTF_INT_SIGNED))
			return "of another sign";
		return NULL;
	}
	if (btf_is_composite(our) && btf_is_composite(theirs)) {
		plain_name(a, sizeof(a), name_of(ours, our));
		plain_name(b, sizeof(b), name_of(kernel, theirs));
		if (*a)
			return strcmp(a, b) ? "another struct" : NULL; /* looked at by itself */
		return members_differ(ours, our, kernel, theirs);
	}
	if (btf_kind(our) != btf_kind(theirs))
		return "of another kind";
	if (btf_is_array(our))
		return types_differ(ours, bare(ours, btf_array(our)->type), kernel,
				    bare(kernel, btf_array(theirs)->type));
	if (btf_is_ptr(our)) {
		our = bare(ours, our->type);
		theirs = bare(kernel, theirs->type);
		if (!our || !theirs || !*name_of(ours, our) || !*name_of(kernel, theirs) ||
		    is_number(our))
			return NULL;
		plain_name(a, sizeof(a), name_of(ours, our));
		plain_name(b, sizeof(b), name_of(kernel, theirs));
		return strcmp(a, b) ? "a pointer to something else" : NULL;
	}
	return NULL;
}

static const char *member_differs(const struct btf *ours, const struct btf_type *our, __u32 i,
				  const struct btf *kernel, const struct btf_type *theirs)
{
	const struct btf_member *member = &btf_members(our)[i];
	unsigned bits = 0;
	const struct btf_type *found =
		find_member(kernel, theirs, btf__name_by_offset(ours, member->name_off), &bits);

	if (!found)
		return "not in this kernel";
	if (!btf_member_bitfield_size(our, i) != !bits)
		return "of another kind (a bit field)";
	return types_differ(ours, bare(ours, member->type), kernel, found);
}

/* For a struct without a name: a typedef's. */
static const char *members_differ(const struct btf *ours, const struct btf_type *our,
				  const struct btf *kernel, const struct btf_type *theirs)
{
	for (__u32 i = 0; i < btf_vlen(our); i++) {
		const char *why = member_differs(ours, our, i, kernel, theirs);

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

/* NULL, or why "struct" or "struct.member" of ours is not the kernel's. */
static const char *differs(const struct btf *ours, const char *name, const struct btf *kernel)
{
	const char *dot = strchrnul(name, '.');
	const struct btf_type *our, *theirs;
	char type_name[128];
	int id;

	snprintf(type_name, sizeof(type_name), "%.*s", (int)(dot - name), name);
	id = btf__find_by_name_kind(ours, type_name, BTF_KIND_STRUCT);
	if (id < 0)
		return "not in our object";
	our = btf__type_by_id(ours, (__u32)id);
	theirs = find_in_kernel(kernel, type_name, BTF_KIND_STRUCT);
	if (!theirs)
		return "no such struct in this kernel";
	if (!*dot)
		return NULL;
	for (__u32 i = 0; i < btf_vlen(our); i++)
		if (!strcmp(btf__name_by_offset(ours, btf_members(our)[i].name_off), dot + 1))
			return member_differs(ours, our, i, kernel, theirs);
	return "not in our object";
}

/* Wrong, unless it is optional and what stands for it is there. */
static void judge(struct complaints *c, const struct btf *ours, const struct btf *kernel,
		  const char *name, const char *why)
{
	for (size_t i = 0; i < ARRAY_SIZE(optional); i++) {
		if (strcmp(optional[i].name, name) != 0)
			continue;
		if (optional[i].instead && differs(ours, optional[i].instead, kernel)) {
			complain(c, name, "optional, but what stands for it is not there either");
			return;
		}
		printf("without %s, which is %s (%s)\n", name, why, optional[i].why);
		return;
	}
	complain(c, name, why);
}

static void check_struct(struct complaints *c, const struct btf *ours, const struct btf_type *our,
			 const struct btf *kernel)
{
	const char *struct_name = name_of(ours, our);
	const struct btf_type *theirs = find_in_kernel(kernel, struct_name, BTF_KIND_STRUCT);
	char name[256];

	if (!theirs) {
		judge(c, ours, kernel, struct_name, "no such struct in this kernel");
		return;
	}
	for (__u32 i = 0; i < btf_vlen(our); i++) {
		const char *why = member_differs(ours, our, i, kernel, theirs);

		snprintf(name, sizeof(name), "%s.%s", struct_name,
			 btf__name_by_offset(ours, btf_members(our)[i].name_off));
		if (why)
			judge(c, ours, kernel, name, why);
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

/* Values are relocated: only their names must be there. */
static void check_enum(struct complaints *c, const struct btf *ours, const struct btf_type *our,
		       const struct btf *kernel)
{
	const struct btf_type *theirs = find_in_kernel(kernel, name_of(ours, our), BTF_KIND_ENUM);
	char name[256];

	if (!theirs)
		theirs = find_in_kernel(kernel, name_of(ours, our), BTF_KIND_ENUM64);
	for (__u32 i = 0; i < btf_vlen(our); i++) {
		const char *value = btf__name_by_offset(ours, btf_enum(our)[i].name_off);

		snprintf(name, sizeof(name), "%s.%s", name_of(ours, our), value);
		if (!theirs)
			judge(c, ours, kernel, name, "no such enum in this kernel");
		else if (!enum_has(kernel, theirs, value))
			judge(c, ours, kernel, name, "not in this kernel");
	}
}

static void check_typedef(struct complaints *c, const struct btf *ours, const struct btf_type *our,
			  const struct btf *kernel)
{
	const struct btf_type *theirs =
		find_in_kernel(kernel, name_of(ours, our), BTF_KIND_TYPEDEF);
	const char *why = "no such type in this kernel";

	if (theirs)
		why = types_differ(ours, bare(ours, our->type), kernel, bare(kernel, theirs->type));
	if (why)
		judge(c, ours, kernel, name_of(ours, our), why);
}

/* One declared type; false: our object does not use it. */
static bool check_type(struct complaints *c, const struct btf *ours, const char *name, int kind,
		       const struct btf *kernel)
{
	int id = btf__find_by_name_kind(ours, name, (__u32)kind);
	const struct btf_type *our;

	if (id < 0)
		return false;
	our = btf__type_by_id(ours, (__u32)id);
	if (kind == BTF_KIND_STRUCT)
		check_struct(c, ours, our, kernel);
	else if (kind == BTF_KIND_ENUM)
		check_enum(c, ours, our, kernel);
	else
		check_typedef(c, ours, our, kernel);
	return true;
}

/* ---- vmlinux.h --------------------------------------------------------- */

struct declared {
	char name[96];
	int kind;
};

/* What stands between the two pragmas, by its first or its last line. */
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
			fail_msg("more types than this test has room for");
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
		fail_msg("%u of vmlinux.h are not as in this kernel:\n%s", c.count, c.text);
	/* the scan and the object's BTF do find things */
	assert_true(looked_at > 20);
}

/* vmlinux.h holds only what is read. */
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

/* An optional one that vmlinux.h does not have any more excuses nothing. */
static void test_optional_exist(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(optional); i++) {
		const char *why = differs(object_btf, optional[i].name, kernel_btf);

		if (btf__find_by_name_kind(object_btf, optional[i].name, BTF_KIND_TYPEDEF) >= 0)
			continue;
		if (why && !strcmp(why, "not in our object"))
			fail_msg("%s is optional, but not in vmlinux.h", optional[i].name);
	}
}

/* A program's BTF of made-up declarations: what the check says of each. */
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

/* Optional is not excused when what stands for it is missing too. */
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
			    "mm_rss_stat: optional, but what stands for it is not there either\n");
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
