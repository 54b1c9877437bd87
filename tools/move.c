/* SPDX-License-Identifier: BSD-2-Clause */
/* Moving many blocks, and the verbs that do. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "weft.h"

#define CHUNK (128u << 10)
#define DEPTH 8u
#define MOVE_MAX (1ull << 30)

struct mover {
	const struct nvme_host_ns *ns;
	bool write;
	uint8_t *buf;
	uint64_t slba;
	uint64_t bytes;
	uint64_t next;
	uint64_t done;
	uint32_t io_size;
	unsigned int open;
	int error;
};

static void on_done(void *arg, const struct nvme_result *r)
{
	struct mover *m = arg;
	int rc = nvme_result_errno(r);

	m->open--;
	if (!rc) {
		m->done += r->bytes;
	} else if (!m->error) {
		m->error = rc;
		if (!r->error)
			weft_set_error(rc, "%s (%xh/%02xh)", nvme_status_text(r->status),
				       r->status >> 8 & 7, r->status & 0xff);
		else
			weft_set_error(rc, "%s%s",
				       connection_failed(r) ? "connection failed: " : "",
				       strerror(-rc));
	}
}

static int issue(struct mover *m)
{
	uint64_t n = m->bytes - m->next < m->io_size ? m->bytes - m->next : m->io_size;
	struct memdesc mem = memdesc_vaddr(m->buf + m->next);
	uint64_t lba = m->slba + (m->next >> m->ns->lba_shift);
	uint32_t nlb = (uint32_t)(n >> m->ns->lba_shift);
	int rc = m->write ? nvme_host_write(m->ns, &mem, lba, nlb, 0, on_done, m) :
			    nvme_host_read(m->ns, &mem, lba, nlb, 0, on_done, m);

	if (!rc) {
		m->next += n;
		m->open++;
	}
	return rc;
}

int move_blocks(const struct nvme_host_ns *ns, bool write, uint8_t *buf, uint64_t slba,
		uint64_t bytes, uint32_t io_size, unsigned int depth, struct progress *p)
{
	struct mover m = { .ns = ns,
			   .write = write,
			   .buf = buf,
			   .slba = slba,
			   .bytes = bytes,
			   .io_size = io_size };

	while (m.open || (m.next < bytes && !m.error)) {
		while (m.next < bytes && m.open < depth && !m.error) {
			int rc = issue(&m);

			if (rc == -EAGAIN)
				break;
			if (rc)
				m.error = rc;
		}
		if (nvme_host_poll(ns->host) == 0)
			nvme_host_wait(ns->host, 100);
		progress_show(p, m.done);
	}
	progress_show(p, m.done);
	progress_end(p);
	if (!m.error && m.done != bytes)
		return weft_set_error(-EIO, "%llu of %llu bytes moved", (unsigned long long)m.done,
				      (unsigned long long)bytes);
	return m.error;
}

/*
 * Session, namespace and size of a verb that moves data. *bytes: from the options, else dflt;
 * rounded up to blocks.
 */
static int begin(struct session *s, const struct config *cfg, struct nvme_host_ns *ns,
		 uint64_t dflt, uint64_t *bytes)
{
	int rc = session_begin(s, cfg);

	if (rc)
		return rc;
	rc = session_connect(s);
	if (!rc) {
		rc = nvme_host_ns_open(s->host, cfg->nsid, ns);
		if (rc)
			complain(rc, "namespace");
	}
	if (!rc) {
		*bytes = cfg->data_size   ? cfg->data_size :
			 cfg->have_blocks ? (uint64_t)cfg->block_count << ns->lba_shift :
					    dflt;
		if (*bytes > MOVE_MAX || !*bytes)
			rc = complain(weft_set_error(-EINVAL, "how much? 1 byte to 1 GiB at once"),
				      cfg->verb);
	}
	if (rc)
		session_end(s);
	return rc;
}

static uint64_t round_up(uint64_t bytes, const struct nvme_host_ns *ns)
{
	uint64_t block = 1ull << ns->lba_shift;

	return (bytes + block - 1) & ~(block - 1);
}

static int transfer(struct session *s, const struct nvme_host_ns *ns, bool write, uint8_t *buf,
		    uint64_t bytes)
{
	struct progress p;
	int rc;

	progress_begin(&p, s->cfg, s->cfg->verb, bytes);
	rc = move_blocks(ns, write, buf, s->cfg->start_block, bytes, CHUNK, DEPTH, &p);
	return rc ? complain(rc, s->cfg->verb) : 0;
}

int do_read(const struct config *cfg)
{
	struct nvme_host_ns ns;
	struct session s;
	uint64_t bytes;
	uint8_t *buf;
	FILE *f = stdout;
	int rc = begin(&s, cfg, &ns, 512, &bytes);

	if (rc)
		return rc;
	buf = weft_mem_alloc(s.dev, round_up(bytes, &ns));
	rc = buf ? transfer(&s, &ns, false, buf, round_up(bytes, &ns)) : complain(-errno, "memory");
	if (!rc && cfg->data)
		f = fopen(cfg->data, "wb");
	if (!rc && (!f || fwrite(buf, 1, bytes, f) != bytes || (f != stdout && fclose(f)))) {
		perror(cfg->data ? cfg->data : "standard output");
		rc = -EIO;
	}
	weft_mem_free(s.dev, buf);
	session_end(&s);
	return rc;
}

int do_write(const struct config *cfg)
{
	FILE *f = cfg->data ? fopen(cfg->data, "rb") : stdin;
	int64_t size = cfg->data ? file_size(cfg->data) : 0;
	struct nvme_host_ns ns;
	struct session s;
	uint64_t bytes;
	uint8_t *buf;
	int rc;

	if (!f || size < 0) {
		perror(cfg->data);
		return -EIO;
	}
	rc = begin(&s, cfg, &ns, (uint64_t)size, &bytes);
	if (rc)
		return rc;
	buf = weft_mem_alloc(s.dev, round_up(bytes, &ns));
	if (!buf) {
		rc = complain(-errno, "memory");
	} else if (fread(buf, 1, bytes, f) != bytes) {
		fprintf(stderr, "weft: %s has less than %llu bytes\n",
			cfg->data ? cfg->data : "standard input", (unsigned long long)bytes);
		rc = -EIO;
	}
	if (!rc)
		rc = transfer(&s, &ns, true, buf, round_up(bytes, &ns));
	if (f != stdin)
		fclose(f);
	weft_mem_free(s.dev, buf);
	session_end(&s);
	return rc;
}

int do_write_zeroes(const struct config *cfg)
{
	struct nvme_host_ns ns;
	struct session s;
	uint64_t bytes;
	int rc = begin(&s, cfg, &ns, 512, &bytes);

	if (rc)
		return rc;
	rc = nvme_host_write_zeroes_sync(&ns, cfg->start_block,
					 (uint32_t)(round_up(bytes, &ns) >> ns.lba_shift));
	if (rc)
		complain(rc, cfg->verb);
	session_end(&s);
	return rc;
}

int do_flush(const struct config *cfg)
{
	struct nvme_host_ns ns;
	struct session s;
	uint64_t bytes;
	int rc = begin(&s, cfg, &ns, 512, &bytes);

	if (rc)
		return rc;
	rc = nvme_host_flush_sync(&ns);
	if (rc)
		complain(rc, cfg->verb);
	session_end(&s);
	return rc;
}
