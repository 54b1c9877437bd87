/* SPDX-License-Identifier: BSD-2-Clause */
/* Data of the controller role: from the consumer's descriptions to what one reply can carry. */
#include <string.h>

#include "nvmf.h"
#include "weft_host.h"

/*
 * Pieces of the next reply of a SEND, at most WEFT_SGL_MAX; returns its bytes. An end inside the data
 * falls on a multiple of 4, as the next offset must.
 */
uint32_t nvmf__chunk(const struct ctl_op *op, struct iovec *iov, unsigned int *count)
{
	uint32_t max = op->left < WEFT_PDU_DATA_MAX ? op->left : WEFT_PDU_DATA_MAX, len = 0;
	const struct nvmf_buf *b = op->buf;
	size_t skip = op->skip;
	unsigned int n = 0;

	for (; len < max && n < WEFT_SGL_MAX; b = b->next, skip = 0) {
		size_t piece = b->len - skip;

		if (!piece)
			continue;
		if (piece > max - len)
			piece = max - len;
		iov[n++] = (struct iovec){ (uint8_t *)b->data + skip, piece };
		len += (uint32_t)piece;
	}
	*count = n;
	return len < op->left ? len & ~3u : len;
}

/* The next chunk starts len bytes further. */
void nvmf__skip(struct ctl_op *op, uint32_t len)
{
	op->offset += len;
	op->left -= len;
	while (op->left && len >= op->buf->len - op->skip) {
		len -= (uint32_t)(op->buf->len - op->skip);
		op->skip = 0;
		op->buf = op->buf->next;
	}
	op->skip += len;
}

void nvmf__mem_reply(const struct memdesc *mem, uint32_t len, struct iovec *one,
		     struct weft_sgl_elem *elem, struct weft_reply *r)
{
	r->count = mem->md_count;
	switch (mem->md_type) {
	case MEMDESC_VADDR:
		*one = (struct iovec){ mem->u.md_vaddr, len };
		r->iov = one;
		break;
	case MEMDESC_VLIST:
		r->iov = mem->u.md_vlist;
		break;
	case MEMDESC_IOVA:
		*elem = (struct weft_sgl_elem){ .addr = mem->u.md_iova, .len = len };
		r->elem = elem;
		break;
	case MEMDESC_IOVA_LIST:
		r->elem = (const struct weft_sgl_elem *)mem->u.md_iova_list;
		break;
	}
}

/* false: a kind of memory this program cannot reach, or too little of it. */
bool nvmf__copy_to_mem(const struct memdesc *mem, const void *from, size_t len)
{
	const uint8_t *p = from;
	size_t room = 0, n;
	unsigned int i;

	if (mem->md_type == MEMDESC_VADDR) {
		memcpy(mem->u.md_vaddr, from, len);
		return true;
	}
	if (mem->md_type != MEMDESC_VLIST)
		return false;
	for (i = 0; i < mem->md_count && room < len; i++)
		room += mem->u.md_vlist[i].iov_len;
	if (room < len)
		return false;
	for (i = 0; len; i++, p += n, len -= n) {
		n = mem->u.md_vlist[i].iov_len < len ? mem->u.md_vlist[i].iov_len : len;
		memcpy(mem->u.md_vlist[i].iov_base, p, n);
	}
	return true;
}
