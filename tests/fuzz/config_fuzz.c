/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzer of weft target's configuration: bytes as a file. Half of the inputs are words of the form
 * put together by the fuzzer's choice, which get further in than loose bytes. What is accepted must
 * keep its own rules.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(x)                                                        \
	do {                                                              \
		if (!(x)) {                                               \
			fprintf(stderr, "config_fuzz: not so: %s\n", #x); \
			abort();                                          \
		}                                                         \
	} while (0)

static const char *const words[] = {
	"{",
	"}",
	"[",
	"]",
	":",
	",",
	"1",
	"0",
	"2",
	"\"1\"",
	"true",
	"false",
	"null",
	"-1",
	"1e9",
	"\"64M\"",
	"4096",
	"512",
	"65535",
	"99999999999999999999",
	"\"\"",
	"\"tcp\"",
	"\"ipv4\"",
	"\"10.0.0.1\"",
	"\"10.0.0.1/24\"",
	"\"4420\"",
	"\"/a\"",
	"\"/b\"",
	"\"nqn.2026-11.a\"",
	"\"nqn.2026-11.b\"",
	"\"nqn.2014-08.org.nvmexpress.discovery\"",
	"\"ef90689c-6c46-d44c-89c1-4067801309a8\"",
	"\"ports\":",
	"\"subsystems\":",
	"\"hosts\":",
	"\"adapter\":",
	"\"portid\":",
	"\"addr\":",
	"\"trtype\":\"tcp\"",
	"\"traddr\":",
	"\"trsvcid\":",
	"\"param\":",
	"\"referrals\":[]",
	"\"queue_size\":",
	"\"inline_data_size\":",
	"\"nqn\":",
	"\"attr\":",
	"\"allow_any_host\":",
	"\"serial\":",
	"\"model\":",
	"\"cntlid_min\":",
	"\"cntlid_max\":",
	"\"allowed_hosts\":",
	"\"namespaces\":",
	"\"nsid\":",
	"\"enable\":",
	"\"device\":",
	"\"path\":",
	"\"ram\":",
	"\"null\":",
	"\"create\":",
	"\"uuid\":",
	"\"nguid\":",
	"\"block_size\":",
	"\"read_only\":",
	"\"ip\":",
	"\"mtu\":",
	"\"mac\":",
	"{\"nsid\":1,\"device\":{\"path\":\"/a\"}}",
	"{\"nsid\":2,\"device\":{\"ram\":\"64M\"}}",
	"{\"nqn\":\"nqn.2026-11.a\"}",
	"{\"ports\":[{\"portid\":1,\"addr\":{\"trtype\":\"tcp\"}",
	"],\"subsystems\":[",
	"{\"nqn\":\"nqn.2026-11.b\",\"namespaces\":[",
	"\n",
	" ",
	"'",
	"\\u0000",
	"\\n",
};

static void check_subsys(const struct target_config *c, const struct target_subsys *s)
{
	size_t i, j;

	REQUIRE(!target_nqn_fault(s->nqn));
	REQUIRE(target_config_subsys(c, s->nqn) == s);
	REQUIRE(strlen(s->serial) <= 20 && strlen(s->model) <= 40 && strlen(s->firmware) <= 8);
	for (i = 0; i < s->allowed.count; i++)
		REQUIRE(target_names_have(&c->hosts, s->allowed.name[i]));
	for (i = 0; i < s->n_ns; i++) {
		const struct target_ns *ns = &s->ns[i];

		REQUIRE(ns->nsid >= 1 && ns->nsid <= TARGET_NSID_MAX);
		REQUIRE((ns->path != NULL) + (ns->ram != 0) + (ns->null != 0) == 1);
		REQUIRE(!ns->block_size || ns->block_size == 512 || ns->block_size == 4096);
		REQUIRE((ns->ram | ns->null | ns->create) %
				(ns->block_size ? ns->block_size : 512) ==
			0);
		REQUIRE(!ns->live && !ns->backend);
		for (j = 0; j < i; j++)
			REQUIRE(s->ns[j].nsid != ns->nsid);
	}
}

static void check(const struct target_config *c)
{
	size_t i, j;

	for (i = 0; i < c->n_subsys; i++)
		check_subsys(c, &c->subsys[i]);
	for (i = 0; i < c->n_ports; i++) {
		const struct target_port *p = &c->ports[i];

		REQUIRE(p->portid && !p->trsvcid == p->fc && !p->handle);
		REQUIRE(p->fc ? !p->wwnn == !p->wwpn : !p->wwnn && !p->wwpn);
		REQUIRE(!(p->qsize & (p->qsize - 1)) && p->qsize <= 1024);
		for (j = 0; j < p->subsys.count; j++)
			REQUIRE(target_config_subsys(c, p->subsys.name[j]));
		for (j = 0; j < i; j++)
			REQUIRE(c->ports[j].portid != p->portid &&
				(c->ports[j].fc != p->fc ||
				 (!p->fc && c->ports[j].trsvcid != p->trsvcid)));
	}
}

static void on_note(void *arg, const char *line)
{
	(void)arg;
	REQUIRE(strlen(line) > 0);
}

static void one(const char *text, size_t len)
{
	static const struct target_config none;
	struct target_config c;
	char err[512] = "";
	int rc = target_config_parse("f", text, len, &c, on_note, NULL, err, sizeof(err));

	if (rc) {
		REQUIRE(!strncmp(err, "f: ", 3) && strlen(err) > 3);
		REQUIRE(!memcmp(&c, &none, sizeof(c)));
		return;
	}
	REQUIRE(!err[0]);
	check(&c);
	target_config_free(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[1 << 18];
	size_t i, n = 0;

	if (!size)
		return 0;
	if (data[0] & 1) {
		/* a copy that ends where it ends, so that reading on is seen */
		char *copy = malloc(size);

		memcpy(copy, data + 1, size - 1);
		one(copy, size - 1);
		free(copy);
		return 0;
	}
	for (i = 1; i < size && n < sizeof(text) - 256; i++) {
		const char *w = words[data[i] % (sizeof(words) / sizeof(words[0]))];

		memcpy(text + n, w, strlen(w));
		n += strlen(w);
	}
	one(text, n);
	return 0;
}
