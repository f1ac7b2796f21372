/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "flags.h"

#include <string.h>

/* How many words of a command line an option takes. */
enum shape {
	ALONE,	/* the word itself */
	NEXT,	/* the word and the one after it */
	EITHER, /* the value follows in the same word, or in the next one */
	PREFIX, /* any word that begins so */
};

struct option {
	const char *name;
	enum shape shape;
};

/* Not wanted: what the compile would write, other steps than parsing, and what other tools are told. */
static const struct option unwanted[] = {
	{ "-c", ALONE },
	{ "-S", ALONE },
	{ "-E", ALONE },
	{ "-M", ALONE },
	{ "-MM", ALONE },
	{ "-MD", ALONE },
	{ "-MMD", ALONE },
	{ "-MG", ALONE },
	{ "-MP", ALONE },
	{ "-MV", ALONE },
	{ "-MF", EITHER },
	{ "-MT", EITHER },
	{ "-MQ", EITHER },
	{ "-MJ", EITHER },
	{ "-Wp,-M", PREFIX },
	{ "-o", EITHER },
	{ "--output", NEXT },
	{ "--output=", PREFIX },
	{ "-Wa,", PREFIX },
	{ "-Wl,", PREFIX },
	{ "-Xassembler", NEXT },
	{ "-Xlinker", NEXT },
	{ "-save-temps", PREFIX },
	{ "--save-temps", PREFIX },
	{ "-serialize-diagnostics", NEXT },
	{ "--serialize-diagnostics", NEXT },
	{ "-ftime-trace", PREFIX },
	{ "-emit-llvm", ALONE },
	{ "-emit-ast", ALONE },
	{ "-fsyntax-only", ALONE },
	{ "--analyze", ALONE },
	{ "-###", ALONE },
	{ "-v", ALONE },
	{ "-H", ALONE },
	{ "-aux-info", NEXT },
	{ "-dumpdir", NEXT },
	{ "-dumpbase", NEXT },
	/* What clang says is read here: it must come in one form. */
	{ "-fdiagnostics-", PREFIX },
	{ "-fno-diagnostics-", PREFIX },
	{ "-fcolor-diagnostics", ALONE },
	{ "-fansi-escape-codes", ALONE },
	/* GCC's, or ours in a build that uses it already. */
	{ "-fplugin=", PREFIX },
	{ "-fplugin-arg-", PREFIX },
	{ "-fpass-plugin=", PREFIX },
};

/* Options whose value may be the next word, which is then no input file. */
static const char *const with_value[] = {
	"-I",
	"-D",
	"-U",
	"-x",
	"-L",
	"-T",
	"-u",
	"-z",
	"-A",
	"-B",
	"-include",
	"-imacros",
	"-isystem",
	"-iquote",
	"-idirafter",
	"-iprefix",
	"-iwithprefix",
	"-iwithprefixbefore",
	"-isysroot",
	"-include-pch",
	"-iframework",
	"-framework",
	"-Xclang",
	"-Xpreprocessor",
	"-Xanalyzer",
	"-mllvm",
	"-target",
	"--target",
	"-arch",
	"--param",
	"--sysroot",
	"-ivfsoverlay",
	"--config",
	"-wrapper",
	"-specs",
	"-working-directory",
	"--gcc-toolchain",
};

/* How many words at @word are unwanted: 0, 1 or 2. */
static size_t unwanted_words(const char *word)
{
	for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++) {
		const struct option *option = &unwanted[i];
		bool same = strcmp(word, option->name) == 0;

		if (same && (option->shape == NEXT || option->shape == EITHER))
			return 2;
		if (same || ((option->shape == EITHER || option->shape == PREFIX) && starts_with(word, option->name)))
			return 1;
	}
	return 0;
}

static bool takes_next(const char *word)
{
	for (size_t i = 0; i < sizeof(with_value) / sizeof(with_value[0]); i++)
		if (strcmp(word, with_value[i]) == 0)
			return true;
	return false;
}

void flags_clean(struct strings *ret_flags, const struct strings *arguments)
{
	for (size_t i = 0; i < arguments->n; i++) {
		const char *word = arguments->v[i];
		size_t drop = unwanted_words(word);

		if (strcmp(word, "--") == 0)
			break; /* input files follow */
		if (drop) {
			i += drop - 1;
			continue;
		}
		if (word[0] != '-' && word[0] != '@')
			continue; /* an input file, or the compiler's name */
		if (strcmp(word, "-") == 0)
			continue;
		strings_add(ret_flags, word);
		if (takes_next(word) && i + 1 < arguments->n)
			strings_add(ret_flags, arguments->v[++i]);
	}
}

enum entry flags_entry(const struct strings *arguments)
{
	static const char *const steps[] = { "-E", "-M", "-MM" };
	enum entry entry = ENTRY_COMPILE;

	if (arguments->n && starts_with(arguments->v[0], "-cc1"))
		return ENTRY_PART;
	for (size_t i = 0; i < arguments->n; i++) {
		if (takes_next(arguments->v[i]) || unwanted_words(arguments->v[i]) == 2)
			i++;
		else
			for (size_t j = 0; j < sizeof(steps) / sizeof(steps[0]); j++)
				if (strcmp(arguments->v[i], steps[j]) == 0)
					entry = ENTRY_STEP;
	}
	return entry;
}

bool flags_mean_c(const struct strings *flags, const char *file)
{
	static const char *const c_languages[] = { "c", "c-header", "cpp-output" };
	const char *language = NULL;
	bool as_cxx = false;

	for (size_t i = 0; i < flags->n; i++) {
		if (strcmp(flags->v[i], "-x") == 0 && i + 1 < flags->n)
			language = flags->v[++i];
		else if (starts_with(flags->v[i], "-x"))
			language = flags->v[i] + 2;
		else if (strcmp(flags->v[i], "--driver-mode=g++") == 0)
			as_cxx = true;
	}
	if (language && strcmp(language, "none") != 0) {
		for (size_t i = 0; i < sizeof(c_languages) / sizeof(c_languages[0]); i++)
			if (strcmp(language, c_languages[i]) == 0)
				return true;
		return false;
	}
	return !as_cxx && (ends_with(file, ".c") || ends_with(file, ".h") || ends_with(file, ".i"));
}

static bool drop(struct strings *flags, struct strings *dropped, size_t at)
{
	if (!strings_have(dropped, flags->v[at]))
		strings_add(dropped, flags->v[at]);
	strings_remove(flags, at);
	return true;
}

static bool drop_word(struct strings *flags, struct strings *dropped, const char *word)
{
	bool changed = false;

	for (size_t i = flags->n; i-- > 0;)
		if (strcmp(flags->v[i], word) == 0)
			changed = drop(flags, dropped, i);
	return changed;
}

/* The option begins with @option and has @value in it: -fsanitize=address,thing for 'thing' and '-fsanitize='. */
static bool drop_value(struct strings *flags, struct strings *dropped, const char *option, const char *value)
{
	bool changed = false;

	for (size_t i = flags->n; i-- > 0;)
		if (starts_with(flags->v[i], option) && strstr(flags->v[i] + strlen(option), value))
			changed = drop(flags, dropped, i);
	return changed;
}

/* The text between the @nth pair of quotes in @line; the caller frees it. */
static char *quoted(const char *line, int nth)
{
	const char *begin = line;

	for (; begin; nth--) {
		const char *end;

		begin = strchr(begin, '\'');
		end = begin ? strchr(begin + 1, '\'') : NULL;
		if (!end)
			break;
		if (nth == 0)
			return copy_bytes(begin + 1, (size_t)(end - begin - 1));
		begin = end + 1;
	}
	return copy_string("");
}

/* `… [-Wint-conversion]` or `… [-Werror,-Wint-conversion]`: a warning that became an error. */
static bool tolerate(struct strings *tolerated, const char *line)
{
	size_t length = strlen(line);
	const char *bracket = strrchr(line, '[');
	const char *group = bracket ? strstr(bracket, "-W") : NULL;
	auto_string flag = NULL;

	if (group && starts_with(group, "-Werror,"))
		group = strstr(group + 1, "-W");
	if (!group || line[length - 1] != ']')
		return false;
	flag = text("-Wno-error=%.*s", (int)(line + length - 1 - (group + 2)), group + 2);
	if (strings_have(tolerated, flag))
		return false;
	strings_add(tolerated, flag);
	return true;
}

bool flags_adapt(struct strings *flags, struct strings *dropped, struct strings *tolerated, const char *said)
{
	auto_string lines = copy_string(said);
	char *position = NULL;
	bool changed = false;

	for (char *line = strtok_r(lines, "\r\n", &position); line; line = strtok_r(NULL, "\r\n", &position)) {
		const char *error = strstr(line, "error: ");
		auto_string first = NULL;
		auto_string second = NULL;

		if (!error)
			continue;
		error += strlen("error: ");
		first = quoted(error, 0);
		second = quoted(error, 1);
		if (starts_with(error, "unknown argument") || starts_with(error, "unsupported option"))
			changed |= drop_word(flags, dropped, first);
		else if (starts_with(error, "unsupported argument"))
			changed |= drop_value(flags, dropped, second, first);
		else if (starts_with(error, "unknown target CPU"))
			changed |= drop_value(flags, dropped, "-m", first);
		else
			changed |= tolerate(tolerated, line);
	}
	return changed;
}
