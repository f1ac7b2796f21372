/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * safespawn check: analyse files and show each defect once.
 */
#include "analysis.h"
#include "show.h"
#include "verbs.h"

int run_check(int argc, char **argv)
{
	auto_options options = { 0 };
	auto_toolchain toolchain = { 0 };
	auto_analysis analysis = { 0 };
	auto_findings findings = { 0 };
	int code;

	if (!options_read(&options, "check", argc, argv, &code))
		return code;
	code = analysis_open(&analysis, &options, &toolchain);
	if (code)
		return code;
	analysis_run(&analysis);
	findings_collect(&findings, &analysis.units);

	if (options.json)
		show_json(&findings, &analysis.units);
	else
		show_findings(&findings, &options);
	if (options.stats && !options.json)
		show_stats(&findings, &analysis.units);
	show_skipped(&analysis.units, &findings, &options);
	show_summary(&analysis.units, &findings, &options);

	if (analysis.stopped_by)
		return EXIT_SIGNAL + analysis.stopped_by;
	return verdict(&analysis.units, &findings, &options);
}
