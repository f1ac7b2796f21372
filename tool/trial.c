/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Fixes are tried in groups: those whose edits some unit sees together, or whose units report the same. Groups know
 * nothing of each other, so one trial has a step of each, and what fails in one costs the others nothing.
 */
#include "trial.h"

#include "format.h"

#include <errno.h>
#include <string.h>

struct group {
	json_t *counts;	 /* with the fixes that are proved: name of a report -> how many there are */
	json_t *now;	 /* the same with what is tried */
	size_t suspects; /* fixes that a trial spoke against, while others were tried with them */
	bool tried;	 /* in the last trial, as is: */
	bool well;	 /* nothing speaks against it */
};

struct trial {
	struct analysis *analysis;
	struct plan *plan;
	struct units units;  /* those of the analysis, their insides borrowed, and then the others */
	struct units others; /* units of the database that an edited header is part of */
	bool *reaches;	     /* reaches[unit * files + file]: the unit is made of the file, too */
	json_t *spellings;   /* path as a compile names it -> index of the file */
	bool *wanted;	     /* one per unit, as are: */
	struct attempt *attempts;
	json_t **reports; /* with the fixes that are proved; borrowed from the unit until then */
	bool *proved;	  /* one per fix */
	size_t *group_of; /* one per unit; units that are in one group have the same number, below that of units */
	struct group *groups;
	struct group **group_of_fix; /* NULL: no unit is made of what it edits */
	int err;		     /* why nothing can be tried */
};

static bool is_over(const struct trial *trial)
{
	return trial->err || trial->analysis->stopped_by;
}

/* ---- which unit is made of which file ---- */

static void note_spelling(struct trial *trial, size_t unit, const char *spelled)
{
	const struct plan *plan = trial->plan;
	auto_string absolute = unit_path_of(&trial->units.v[unit], spelled);
	auto_string plain = path_plain(absolute);
	auto_string real = path_real("/", absolute);

	for (size_t i = 0; i < plan->n_files; i++) {
		if (strcmp(plan->files[i].path, real) != 0)
			continue;
		trial->reaches[unit * plan->n_files + i] = true;
		json_object_set_new(trial->spellings, plain, json_integer((json_int_t)i));
	}
}

/* Is a file edited that is more than one unit's own? */
static bool edits_header(const struct analysis *analysis, const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_files; i++) {
		bool is_unit = false;

		for (size_t j = 0; j < analysis->units.n && !is_unit; j++)
			is_unit = strcmp(analysis->units.v[j].path, plan->files[i].path) == 0;
		if (!is_unit)
			return true;
	}
	return false;
}

static bool reaches(const struct trial *trial, size_t unit, const struct fix *fix)
{
	for (size_t i = 0; i < fix->n; i++)
		if (trial->reaches[unit * trial->plan->n_files + fix->edits[i].file])
			return true;
	return false;
}

/* ---- which of them are tried together ---- */

static void unite(struct trial *trial, size_t unit, size_t with)
{
	size_t from = trial->group_of[unit];
	size_t to = trial->group_of[with];

	for (size_t i = 0; i < trial->units.n && from != to; i++)
		if (trial->group_of[i] == from)
			trial->group_of[i] = to;
}

/* The first unit that @fix reaches; false: there is none. */
static bool first_reached(const struct trial *trial, const struct fix *fix, size_t *ret_unit)
{
	for (size_t i = 0; i < trial->units.n; i++) {
		if (!reaches(trial, i, fix))
			continue;
		*ret_unit = i;
		return true;
	}
	return false;
}

static void find_groups(struct trial *trial)
{
	CLEANUP(json_decrefp) json_t *reported_by = json_object();
	size_t first;

	for (size_t i = 0; i < trial->units.n; i++)
		trial->group_of[i] = i;
	for (size_t i = 0; i < trial->plan->n; i++) {
		const struct fix *fix = &trial->plan->fixes[i];

		if (!first_reached(trial, fix, &first))
			continue;
		for (size_t j = first + 1; j < trial->units.n; j++)
			if (reaches(trial, j, fix))
				unite(trial, j, first);
	}
	for (size_t i = 0; i < trial->units.n; i++) {
		struct units one = { .v = &trial->units.v[i], .n = 1 };
		auto_findings findings = { 0 };

		findings_collect(&findings, &one);
		for (size_t j = 0; j < findings.n; j++) {
			auto_string name = finding_name(&findings.v[j]);
			const json_t *known = json_object_get(reported_by, name);

			if (known)
				unite(trial, i, (size_t)json_integer_value(known));
			else
				json_object_set_new(reported_by, name, json_integer((json_int_t)i));
		}
	}
	for (size_t i = 0; i < trial->plan->n; i++)
		if (first_reached(trial, &trial->plan->fixes[i], &first))
			trial->group_of_fix[i] = &trial->groups[trial->group_of[first]];
}

static void trial_open(struct trial *trial, struct analysis *analysis, struct plan *plan)
{
	const struct units *units = &analysis->units;
	size_t count;

	*trial = (struct trial){ .analysis = analysis, .plan = plan, .spellings = json_object() };
	if (edits_header(analysis, plan)) {
		units_find_others(&trial->others, units, analysis->options, analysis->toolchain);
		analysis_scan(analysis, &trial->others);
	}
	count = units->n + trial->others.n;
	trial->units = (struct units){ .v = zalloc(count, sizeof(*trial->units.v)), .n = count };
	trial->reaches = zalloc(count * plan->n_files, sizeof(bool));
	trial->wanted = zalloc(count, sizeof(bool));
	trial->attempts = zalloc(count, sizeof(*trial->attempts));
	trial->reports = zalloc(count, sizeof(*trial->reports));
	trial->proved = zalloc(plan->n, sizeof(bool));
	trial->group_of = zalloc(count, sizeof(*trial->group_of));
	trial->groups = zalloc(count, sizeof(*trial->groups));
	trial->group_of_fix = zalloc(plan->n, sizeof(struct group *));
	for (size_t i = 0; i < plan->n_files; i++)
		json_object_set_new(trial->spellings, plan->files[i].path, json_integer((json_int_t)i));
	for (size_t i = 0; i < count; i++) {
		struct unit *unit = &trial->units.v[i];

		*unit = i < units->n ? units->v[i] : trial->others.v[i - units->n];
		trial->reports[i] = json_incref(unit->report);
		if (unit->skip != SKIP_NO && unit->skip != SKIP_PARTLY)
			continue; /* it did not compile before either */
		/* Of the others only those count that are known to hold an edited header. */
		if (i < units->n)
			note_spelling(trial, i, unit->file);
		for (size_t j = 0; j < unit->depends_on.n; j++)
			note_spelling(trial, i, unit->depends_on.v[j]);
	}
	find_groups(trial);
}

static void trial_close(struct trial *trial)
{
	for (size_t i = 0; i < trial->units.n; i++) {
		attempt_free(&trial->attempts[i]);
		json_decref(trial->reports[i]);
		json_decref(trial->groups[i].counts);
		json_decref(trial->groups[i].now);
	}
	free(trial->units.v);
	units_free(&trial->others);
	free(trial->reaches);
	free(trial->wanted);
	free(trial->attempts);
	free(trial->reports);
	free(trial->proved);
	free(trial->group_of);
	free(trial->groups);
	free(trial->group_of_fix);
	json_decref(trial->spellings);
}

static bool is_covered(const struct trial *trial, const struct fix *fix)
{
	for (size_t i = 0; i < fix->n; i++) {
		bool covered = false;

		for (size_t j = 0; j < trial->analysis->units.n && !covered; j++)
			covered = trial->reaches[j * trial->plan->n_files + fix->edits[i].file];
		if (!covered)
			return false;
	}
	return true;
}

/* ---- one trial ---- */

/* The after of each file in the scratch folder, and the overlay that puts them in their places. */
static int write_overlay(const struct trial *trial, char **ret_path)
{
	const struct scratch *scratch = &trial->analysis->scratch;
	json_t *roots = json_array();
	json_t *overlay;
	json_t *file;
	const char *spelling;
	int err = 0;

	for (size_t i = 0; i < trial->plan->n_files && !err; i++) {
		const struct buffer *after = &trial->plan->files[i].after;
		auto_string path = scratch_path(scratch, i, "after");

		err = buffer_write(after, path);
	}
	json_object_foreach (trial->spellings, spelling, file) {
		auto_string path = scratch_path(scratch, (size_t)json_integer_value(file), "after");

		json_array_append_new(roots, json_pack("{s:s, s:s, s:s}", "type", "file", "name", spelling,
						       "external-contents", path));
	}
	overlay = json_pack("{s:i, s:b, s:b, s:o}", "version", 0, "case-sensitive", 1, "use-external-names", 0, "roots",
			    roots);
	*ret_path = scratch_path(scratch, 0, "overlay");
	if (!err && json_dump_file(overlay, *ret_path, 0) != 0)
		err = errno ? errno : EIO;
	json_decref(overlay);
	return err;
}

static json_int_t count_of(const json_t *counts, const char *name)
{
	return json_integer_value(json_object_get(counts, name));
}

static void add_to_count(json_t *counts, const char *name, json_int_t more)
{
	json_object_set_new(counts, name, json_integer(count_of(counts, name) + more));
}

/* The names of the reports in @reports, one per unit, of the units of @group. */
static json_t *count_reports(const struct trial *trial, const struct group *group, json_t *const *reports)
{
	struct units units = { .v = zalloc(trial->units.n, sizeof(*units.v)) };
	auto_findings findings = { 0 };
	json_t *counts = json_object();

	for (size_t i = 0; i < trial->units.n; i++) {
		if (&trial->groups[trial->group_of[i]] != group)
			continue;
		units.v[units.n] = trial->units.v[i];
		units.v[units.n++].report = reports[i];
	}
	findings_collect(&findings, &units);
	for (size_t i = 0; i < findings.n; i++) {
		auto_string name = finding_name(&findings.v[i]);

		add_to_count(counts, name, 1);
	}
	free(units.v);
	return counts;
}

static bool is_tried(const struct trial *trial, size_t fix)
{
	return trial->plan->fixes[fix].left == LEFT_NOT && !trial->proved[fix];
}

static bool is_tried_in(const struct trial *trial, size_t fix, const struct group *group)
{
	return is_tried(trial, fix) && trial->group_of_fix[fix] == group;
}

/* How many reports of each name what is tried is to repair. */
static json_t *count_repairs(const struct trial *trial, const struct group *group)
{
	const struct plan *plan = trial->plan;
	json_t *counts = json_object();

	for (size_t i = 0; i < plan->findings->n; i++) {
		const struct fix *fix = plan_repair(plan, &plan->findings->v[i]);

		if (fix && is_tried_in(trial, (size_t)(fix - plan->fixes), group)) {
			auto_string name = finding_name(&plan->findings->v[i]);

			add_to_count(counts, name, 1);
		}
	}
	return counts;
}

static bool tries_rewrite(const struct trial *trial, const struct group *group)
{
	for (size_t i = 0; i < trial->plan->n; i++)
		if (trial->plan->fixes[i].rewrite && is_tried_in(trial, i, group))
			return true;
	return false;
}

/* Did what was to go go, and does nothing come with a rewrite? */
static bool reports_are_well(const struct trial *trial, const struct group *group)
{
	CLEANUP(json_decrefp) json_t *repairs = count_repairs(trial, group);
	bool rewrites = tries_rewrite(trial, group);
	const char *name;
	json_t *count;

	json_object_foreach (repairs, name, count)
		if (count_of(group->now, name) > count_of(group->counts, name) - json_integer_value(count))
			return false;
	json_object_foreach (group->now, name, count)
		if (rewrites && json_integer_value(count) > count_of(group->counts, name))
			return false;
	return true;
}

/* Which units are compiled for what the plan has and is not proved yet. */
static void want_units(struct trial *trial)
{
	const struct plan *plan = trial->plan;

	for (size_t i = 0; i < trial->units.n; i++) {
		attempt_free(&trial->attempts[i]);
		trial->wanted[i] = trial->groups[i].tried = false;
		for (size_t j = 0; j < plan->n && !trial->wanted[i]; j++)
			trial->wanted[i] = is_tried(trial, j) && reaches(trial, i, &plan->fixes[j]);
	}
	for (size_t i = 0; i < trial->units.n; i++)
		if (trial->wanted[i])
			trial->groups[trial->group_of[i]].tried = true;
}

/* The after of each file that is part of what is compiled, and the overlay that puts them in their places. */
static int make_afters(struct trial *trial, char **ret_overlay)
{
	struct plan *plan = trial->plan;
	bool *needed = zalloc(plan->n_files, sizeof(*needed));

	for (size_t i = 0; i < trial->units.n; i++)
		for (size_t j = 0; j < plan->n_files; j++)
			needed[j] = needed[j] || (trial->wanted[i] && trial->reaches[i * plan->n_files + j]);
	plan_apply(plan);
	format_plan(plan, trial->analysis, needed);
	free(needed);
	return write_overlay(trial, ret_overlay);
}

/* Try what is in the plan and not proved: each group that this concerns is tried, and well if nothing speaks against
 * it. */
static void try(struct trial *trial)
{
	json_t **reports = zalloc(trial->units.n, sizeof(*reports));
	auto_string overlay = NULL;

	want_units(trial);
	trial->err = make_afters(trial, &overlay);
	if (!trial->err)
		analysis_try(trial->analysis, &trial->units, overlay, trial->wanted, trial->attempts);
	for (size_t i = 0; i < trial->units.n; i++) {
		reports[i] = trial->wanted[i] ? trial->attempts[i].report : trial->reports[i];
		trial->groups[i].well = true;
	}
	for (size_t i = 0; i < trial->units.n; i++)
		if (trial->attempts[i].failed)
			trial->groups[trial->group_of[i]].well = false;
	for (size_t i = 0; i < trial->units.n && !is_over(trial); i++) {
		struct group *group = &trial->groups[i];

		if (!group->tried)
			continue;
		json_decref(group->now);
		group->now = count_reports(trial, group, reports);
		group->well = group->well && reports_are_well(trial, group);
	}
	free(reports);
}

/* What was tried in @group is well: the next trial builds on it. */
static void accept(struct trial *trial, struct group *group)
{
	for (size_t i = 0; i < trial->plan->n; i++)
		if (trial->group_of_fix[i] == group)
			trial->proved[i] = trial->plan->fixes[i].left == LEFT_NOT;
	for (size_t i = 0; i < trial->units.n; i++) {
		if (!trial->wanted[i] || &trial->groups[trial->group_of[i]] != group)
			continue;
		json_decref(trial->reports[i]);
		trial->reports[i] = json_incref(trial->attempts[i].report);
	}
	json_decref(group->counts);
	group->counts = json_incref(group->now);
}

/* ---- whose fault it is ---- */

/* The reason why @fix of @group is not made, as the last trial shows it, and nothing when it may be well. */
static enum left_out fault_of(const struct trial *trial, const struct group *group, const struct fix *fix,
			      char **ret_why)
{
	const struct findings *findings = trial->plan->findings;
	const char *name;
	json_t *count;

	for (size_t i = 0; i < trial->units.n; i++) {
		if (!trial->attempts[i].failed || !reaches(trial, i, fix))
			continue;
		*ret_why = trial->attempts[i].why ? copy_string(trial->attempts[i].why) : NULL;
		return LEFT_COMPILE;
	}
	for (size_t i = 0; i < findings->n; i++) {
		auto_string its_name = NULL;

		if (plan_repair(trial->plan, &findings->v[i]) != fix)
			continue;
		its_name = finding_name(&findings->v[i]);
		if (count_of(group->now, its_name) < count_of(group->counts, its_name))
			continue;
		*ret_why = finding_words(its_name);
		return LEFT_REMAINS;
	}
	json_object_foreach (group->now, name, count) {
		if (!fix->rewrite || json_integer_value(count) <= count_of(group->counts, name))
			continue;
		*ret_why = finding_words(name);
		return LEFT_DRAWS;
	}
	return LEFT_NOT;
}

static void leave(struct fix *fix, enum left_out left, char *take_why)
{
	fix->left = left;
	free(fix->why);
	fix->why = take_why;
}

/* The trial failed: take out what it speaks against, or all of it when it speaks against nothing in particular. */
static void leave_suspects(struct trial *trial, struct group *group, bool *suspects)
{
	struct plan *plan = trial->plan;
	enum left_out *faults = zalloc(plan->n, sizeof(*faults));
	char **whys = zalloc(plan->n, sizeof(*whys));
	bool *tried = zalloc(plan->n, sizeof(*tried));
	bool any = false;

	for (size_t i = 0; i < plan->n; i++) {
		tried[i] = is_tried_in(trial, i, group);
		faults[i] = tried[i] ? fault_of(trial, group, &plan->fixes[i], &whys[i]) : LEFT_NOT;
		any = any || faults[i];
	}
	for (size_t i = 0; i < plan->n; i++) {
		if (!tried[i] || (any && !faults[i]))
			continue;
		suspects[i] = true;
		group->suspects++;
		leave(&plan->fixes[i], faults[i] ? faults[i] : LEFT_COMPILE, whys[i]);
	}
	free(faults);
	free(whys);
	free(tried);
}

/* Is there something to be tried? */
static bool has_more(const struct trial *trial)
{
	for (size_t i = 0; i < trial->plan->n; i++)
		if (is_tried(trial, i))
			return true;
	return false;
}

/* Put the next suspect of each group to those that are beyond doubt. */
static void add_suspects(struct trial *trial, bool *suspects)
{
	struct plan *plan = trial->plan;
	bool *has_one = zalloc(trial->units.n, sizeof(*has_one));

	for (size_t i = 0; i < plan->n; i++) {
		struct group *group = suspects[i] ? trial->group_of_fix[i] : NULL;

		/* A single one was tried with all the others already. */
		if (!group || group->suspects < 2 || has_one[group - trial->groups])
			continue;
		has_one[group - trial->groups] = true;
		suspects[i] = false;
		leave(&plan->fixes[i], LEFT_NOT, NULL);
	}
	free(has_one);
}

/*
 * Prove what can be proved of the plan. Suspects are added one by one to those that are beyond doubt, so that one which
 * is well alone but not with an earlier one is left out, too.
 */
static void prove(struct trial *trial)
{
	bool *suspects = zalloc(trial->plan->n, sizeof(*suspects));
	bool *ignored = zalloc(trial->plan->n, sizeof(*ignored));
	bool alone = false;

	for (size_t i = 0; i < trial->units.n; i++)
		trial->groups[i].suspects = 0;
	while (!is_over(trial)) {
		if (!has_more(trial)) {
			alone = true;
			add_suspects(trial, suspects);
			if (!has_more(trial))
				break;
		}
		try(trial);
		for (size_t i = 0; i < trial->units.n && !is_over(trial); i++) {
			struct group *group = &trial->groups[i];

			if (group->tried && group->well)
				accept(trial, group);
			else if (group->tried)
				leave_suspects(trial, group, alone ? ignored : suspects);
		}
	}
	free(suspects);
	free(ignored);
}

/* ---- the runtime ---- */

static bool needs_runtime(const struct fix *fix)
{
	return fix->left == LEFT_NOT && fix->rewrite && fix->rewrite->needs_runtime;
}

/* Include safespawn.h in each unit that needs it; @own: found by its own flags. attempts[] says how that went. */
static void probe_runtime(struct trial *trial, bool own)
{
	static const char line[] = "#include <safespawn.h>\n";
	auto_string path = scratch_path(&trial->analysis->scratch, 0, "c");
	auto_buffer content = { 0 };

	buffer_append(&content, line, strlen(line));
	trial->err = buffer_write(&content, path);
	for (size_t i = 0; i < trial->units.n; i++) {
		attempt_free(&trial->attempts[i]);
		trial->wanted[i] = false;
		for (size_t j = 0; j < trial->plan->n && !trial->wanted[i]; j++)
			trial->wanted[i] =
				needs_runtime(&trial->plan->fixes[j]) && reaches(trial, i, &trial->plan->fixes[j]);
	}
	if (!trial->err)
		analysis_probe(trial->analysis, &trial->units, path, own, trial->wanted, trial->attempts);
}

/* A unit whose language is too old for the header, or whose warnings are errors, cannot have the runtime. */
static void leave_without_runtime(struct trial *trial)
{
	struct plan *plan = trial->plan;

	probe_runtime(trial, false);
	for (size_t i = 0; i < trial->units.n; i++) {
		const struct attempt *attempt = &trial->attempts[i];

		for (size_t j = 0; j < plan->n && attempt->failed; j++)
			if (needs_runtime(&plan->fixes[j]) && reaches(trial, i, &plan->fixes[j]))
				leave(&plan->fixes[j], LEFT_RUNTIME,
				      text("%s: %s", path_shown(trial->units.v[i].path),
					   attempt->why ? attempt->why : "the compiler failed"));
	}
}

static bool lacks_runtime(struct trial *trial)
{
	probe_runtime(trial, true);
	for (size_t i = 0; i < trial->units.n; i++)
		if (trial->attempts[i].failed)
			return true;
	return false;
}

int trial_run(struct analysis *analysis, struct plan *plan)
{
	CLEANUP(trial_close) struct trial trial;
	size_t made;

	trial_open(&trial, analysis, plan);
	for (size_t i = 0; i < trial.units.n; i++)
		trial.groups[i].counts = count_reports(&trial, &trial.groups[i], trial.reports);
	for (size_t i = 0; i < plan->n; i++)
		if (plan->fixes[i].left == LEFT_NOT && !is_covered(&trial, &plan->fixes[i]))
			leave(&plan->fixes[i], LEFT_UNCHECKED, NULL);
	leave_without_runtime(&trial);
	plan_settle(plan);
	/* Without a rewrite the fixes that yielded to it have their turn. */
	do {
		prove(&trial);
		made = plan_made(plan);
		plan_settle(plan);
	} while (plan_made(plan) != made && !is_over(&trial));
	plan_apply(plan);
	format_plan(plan, analysis, NULL);
	plan->lacks_runtime = lacks_runtime(&trial);
	if (!trial.err)
		return 0;
	say_error("cannot try the edits: %s", strerror(trial.err));
	return EXIT_INCOMPLETE;
}
