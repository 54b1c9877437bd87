/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weft: NVMe over Fabrics through a Weft adapter. Exit status: 0 all done and verified, 1 an error,
 * 2 wrong usage.
 */
#include <string.h>

#include "weft.h"

static const struct {
	const char *name;
	int (*run)(const struct config *cfg);
	const char *help;
} verbs[] = {
	{ "discover", do_discover, "subsystems behind an address" },
	{ "connect-test", do_connect_test, "connect and disconnect, telling what was agreed" },
	{ "list", do_list, "the adapters of this machine; of a target: its namespaces" },
	{ "list-ns", do_list_ns, "numbers of the active namespaces" },
	{ "id-ctrl", do_id_ctrl, "Identify Controller" },
	{ "id-ns", do_id_ns, "Identify Namespace" },
	{ "get-log", do_get_log, "a log page, as a hex dump or into --data FILE" },
	{ "smart-log", do_smart_log, "SMART / Health log" },
	{ "get-feature", do_get_feature, "a feature's value" },
	{ "read", do_read, "blocks into --data FILE (or standard output)" },
	{ "write", do_write, "blocks from --data FILE (or standard input)" },
	{ "write-zeroes", do_write_zeroes, "zeroes" },
	{ "flush", do_flush, "flush" },
	{ "perf", do_perf, "load of random or sequential I/O, with verification on request" },
	{ "run", do_run, "the whole job: discover, connect, write 16 MiB, read back, compare" },
	{ "target", do_target, "export files, devices or memory to NVMe/TCP or FC hosts" },
	{ "bind", do_bind, "give adapters to VFIO: weft bind 0000:01:00.0 ..." },
	{ "unbind", do_unbind, "give them back" },
	{ "doctor", do_doctor, "what this machine lacks for an adapter, and how to mend it" },
	{ "info", do_info, "the adapter" },
	{ "stats", do_stats, "the adapter's counters" },
	{ "log", do_log, "the firmware's log" },
	{ "reset", do_reset, "reset the adapter" },
};

void usage(FILE *to)
{
	unsigned int i;

	fputs("usage: weft VERB --device vfio-user:PATH [options]\n\n", to);
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		fprintf(to, "  %-14s %s\n", verbs[i].name, verbs[i].help);
	fputs("  xclbin         containers for boards with Xilinx shells; weft xclbin --help\n",
	      to);
	fprintf(to, "  %-14s %s\n", "fw", "firmware in the adapter's flash: weft fw --help");
	fprintf(to, "  %-14s %s\n", "image", "firmware images: weft image --help");
	fputs("\n"
	      "adapter:    --device SPEC (or $WEFT_DEVICE)  -w, --ip ADDR[/BITS]  --gateway ADDR\n"
	      "            --mtu N  --mac MAC\n"
	      "            FC: -w nn-0xWWNN:pn-0xWWPN  --fc native|vn2vn\n"
	      "controller: -t tcp  -a ADDR  -s PORT  -n NQN\n"
	      "            -t fc  -a nn-0xWWNN:pn-0xWWPN  -n NQN\n"
	      "            or -r 'traddr:ADDR trsvcid:PORT subnqn:NQN'\n"
	      "host:       -q HOSTNQN  -I HOSTID  --hostuuid UUID\n"
	      "connection: -g, --hdr-digest  -G, --data-digest  -i QUEUES  -Q SIZE  -k SECONDS\n"
	      "            --disable-sqflow  --timeout SECONDS  --max-transfer BYTES\n"
	      "data:       -N, --nsid N  --start-block N  -c, --block-count N (0's based)\n"
	      "            -z, --data-size BYTES  -d, --data FILE\n"
	      "log, feat.: --log-id N  -l, --log-len BYTES  -f, --feature-id N\n"
	      "perf:       --transport and --host-traddr in place of -t and -w;\n"
	      "            -q DEPTH  -o BYTES  -w randread|randwrite|randrw|read|write|rw\n"
	      "            -M READ_PERCENT  -t SECONDS  --count N  --range BYTES\n"
	      "            --seed N  --verify\n"
	      "target:     --file PATH [--create SIZE] or --ram SIZE, --null SIZE; -n NQN\n"
	      "            -s PORT, or -t fc  -w nn-0xWWNN:pn-0xWWPN  --fc native|vn2vn\n"
	      "            --nsid N  --block-size N  --read-only  --buffered  --synchronous\n"
	      "            --allow-host NQN  --serial TEXT  --model TEXT  -i QUEUES  -Q SIZE\n"
	      "            --icd-size BYTES  --no-digest; or --config FILE\n"
	      "            --ready-file PATH  --stats-every SECONDS  -q  --json\n"
	      "PCI:        list, doctor: --no-open; bind, unbind: --force; --id VVVV:DDDD\n"
	      "output:     -o, --output-format normal|json  --quiet\n",
	      to);
}

int main(int argc, char **argv)
{
	struct config cfg;
	unsigned int i;
	int rc;

	if (argc > 1 && !strcmp(argv[1], "xclbin"))
		return xclbin_main(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "fw"))
		return do_fw(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "image")) /* about files, with a command line of its own */
		return do_image(argc - 1, argv + 1);
	rc = parse_options(argc, argv, &cfg);
	if (rc)
		return rc == 1 ? 0 : 2;
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(verbs[i].name, cfg.verb)) {
			rc = verbs[i].run(&cfg);
			if (fflush(stdout)) {
				perror("weft: standard output");
				rc = -1;
			}
			return rc ? 1 : 0;
		}
	fprintf(stderr, "weft: no verb \"%s\"; weft --help lists them\n", cfg.verb);
	return 2;
}
