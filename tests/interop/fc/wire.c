// SPDX-License-Identifier: GPL-2.0
/* FCoE frames to and from the interface. Sending waits while the interface is busy. */
#include "peer.h"
#include <linux/crc32.h>
#include <linux/delay.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <net/sock.h>

#define SEND_WAIT (5 * HZ)
#define SEND_TRIES 1000
#define FRAME_MAX (ETH_HLEN + FRAME_OVERHEAD + DATA_MAX)

u8 wire_mac[ETH_ALEN];   /* of the N_Port, from its address */
u8 wire_enode[ETH_ALEN]; /* of the interface */
static struct net_device *dev;
static struct socket *sock;
static u8 frame[FRAME_MAX]; /* that is made up to be sent */
static u8 held[FRAME_MAX];  /* that is sent after the next one (fault "late") */
static u32 held_len;
static const u8 all_vn2vn[] = FIP_ALL_VN2VN_MACS;

void vn_mac(u8 *mac, u32 id)
{
	put_unaligned_be24(FIP_VN_FC_MAP, mac);
	put_unaligned_be24(id, mac + 3);
}

u32 wire_max_data(void)
{
	return min_t(u32, p_max_data, (dev->mtu - FRAME_OVERHEAD) & ~3);
}

/*
 * The socket waits while the interface is busy; what it cannot take for another reason is offered
 * again. A frame that does not leave even so is lost, as on any wire, but not in silence.
 */
void wire_send_raw(const void *data, u32 len)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = dev->ifindex };
	struct msghdr msg = { .msg_name = &to, .msg_namelen = sizeof(to) };
	struct kvec v;
	int ret, tries = 0;

	while (wire_up()) {
		v = (struct kvec){ .iov_base = (void *)data, .iov_len = len };
		ret = kernel_sendmsg(sock, &msg, &v, 1, len);
		if (ret == len) {
			stats[ST_TX]++;
			return;
		}
		if (!wire_up())
			return;
		if (ret != -ENOBUFS || ++tries > SEND_TRIES) {
			stats[ST_LOST]++;
			pr_warn_ratelimited("a frame of %u bytes did not leave: %d\n", len, ret);
			return;
		}
		msleep(1);
	}
}

static u32 make_up(const struct tx *t)
{
	struct fcoe_hdr *fcoe = (void *)(frame + ETH_HLEN);
	struct fc_frame_header *h = (void *)(fcoe + 1);
	u32 fill = -t->len & 3, flen = sizeof(*h) + t->len + fill;
	struct fcoe_crc_eof *end = (void *)h + flen;

	memset(frame, 0, ETH_HLEN + sizeof(*fcoe) + sizeof(*h));
	memcpy(frame, t->mac, ETH_ALEN);
	memcpy(frame + ETH_ALEN, wire_mac, ETH_ALEN);
	put_unaligned_be16(ETH_P_FCOE, frame + 2 * ETH_ALEN);
	fcoe->fcoe_sof = t->sof;
	h->fh_r_ctl = t->r_ctl;
	h->fh_type = t->type;
	put_unaligned_be24(t->d_id, h->fh_d_id);
	put_unaligned_be24(own_id, h->fh_s_id);
	put_unaligned_be24(t->f_ctl | fill, h->fh_f_ctl);
	h->fh_seq_id = t->seq_id;
	h->fh_seq_cnt = htons(t->cnt);
	h->fh_ox_id = htons(t->ox);
	h->fh_rx_id = htons(t->rx);
	h->fh_parm_offset = htonl(t->parm);
	if (t->sg)
		sg_pcopy_to_buffer(t->sg, t->nents, h + 1, t->len, t->off);
	else if (t->len)
		memcpy(h + 1, t->buf + t->off, t->len);
	memset((u8 *)(h + 1) + t->len, 0, fill);
	end->fcoe_crc32 = cpu_to_le32(~crc32_le(~0, (u8 *)h, flen));
	end->fcoe_eof = t->eof;
	memset(end->fcoe_resvd, 0, sizeof(end->fcoe_resvd));
	return ETH_HLEN + sizeof(*fcoe) + flen + sizeof(*end);
}

/* Faults are spelled out in params.c. */
static void send_damaged(struct tx t, const char *kind)
{
	u32 len;

	if (!strcmp(kind, "off"))
		t.parm += 4;
	else if (!strcmp(kind, "cnt"))
		t.cnt++;
	else if (!strcmp(kind, "cut") && t.len >= 4)
		t.len -= 4;
	len = make_up(&t);
	if (!strcmp(kind, "drop"))
		return;
	if (!strcmp(kind, "crc"))
		frame[len - sizeof(struct fcoe_crc_eof)] ^= 1;
	if (!strcmp(kind, "late")) {
		memcpy(held, frame, len);
		held_len = len;
		return;
	}
	wire_send_raw(frame, len);
	if (!strcmp(kind, "dup"))
		wire_send_raw(frame, len);
}

void wire_send(const struct tx *t)
{
	struct fault f;

	if (fault_strikes(t->r_ctl, &f)) {
		send_damaged(*t, f.kind);
		return;
	}
	wire_send_raw(frame, make_up(t));
	if (held_len)
		wire_send_raw(held, held_len);
	held_len = 0;
}

/* Codes, lengths and CRC; f points into the frame. False: nothing of it is believed. */
static bool parse(u8 *eth, u32 len, struct rx *f)
{
	struct fcoe_hdr *fcoe = (void *)(eth + ETH_HLEN);
	struct fc_frame_header *h = (void *)(fcoe + 1);
	u32 flen = len - ETH_HLEN - sizeof(*fcoe) - sizeof(struct fcoe_crc_eof);
	struct fcoe_crc_eof *end = (void *)h + flen;
	u32 fill = h->fh_f_ctl[2] & 3;

	if (FC_FCOE_DECAPS_VER(fcoe) || flen & 3 || flen > sizeof(*h) + DATA_MAX ||
	    (fcoe->fcoe_sof != FC_SOF_I3 && fcoe->fcoe_sof != FC_SOF_N3) ||
	    (end->fcoe_eof != FC_EOF_N && end->fcoe_eof != FC_EOF_T) || flen - sizeof(*h) < fill) {
		violation("frame of %u bytes, SOF %02x EOF %02x", len, fcoe->fcoe_sof,
			  end->fcoe_eof);
		return false;
	}
	if (le32_to_cpu(end->fcoe_crc32) != (u32)~crc32_le(~0, (u8 *)h, flen)) {
		stats[ST_CRC]++;
		return false;
	}
	*f = (struct rx){ .r_ctl = h->fh_r_ctl,
			  .type = h->fh_type,
			  .seq_id = h->fh_seq_id,
			  .sof = fcoe->fcoe_sof,
			  .eof = end->fcoe_eof,
			  .s_id = get_unaligned_be24(h->fh_s_id),
			  .d_id = get_unaligned_be24(h->fh_d_id),
			  .f_ctl = get_unaligned_be24(h->fh_f_ctl),
			  .parm = ntohl(h->fh_parm_offset),
			  .len = flen - sizeof(*h) - fill,
			  .cnt = ntohs(h->fh_seq_cnt),
			  .ox = ntohs(h->fh_ox_id),
			  .rx = ntohs(h->fh_rx_id),
			  .payload = (u8 *)(h + 1) };
	memcpy(f->mac, eth + ETH_ALEN, ETH_ALEN);
	return true;
}

static bool all_zero(const u8 *p, u32 len)
{
	return !memchr_inv(p, 0, len);
}

/* What is wrong with a frame that can be taken nevertheless. */
static void look(const u8 *eth, const struct rx *f)
{
	const struct fcoe_hdr *fcoe = (const void *)(eth + ETH_HLEN);
	const struct fc_frame_header *h = (const void *)(fcoe + 1);
	u32 fill = f->f_ctl & 3;
	u8 expected[ETH_ALEN];

	if (fcoe->fcoe_ver || !all_zero(fcoe->fcoe_resvd, sizeof(fcoe->fcoe_resvd)))
		violation("reserved bytes of the FCoE header");
	vn_mac(expected, f->s_id);
	if (f->s_id && !ether_addr_equal(f->mac, expected))
		violation("S_ID %06x from MAC %pM", f->s_id, f->mac);
	if (fill && !(f->f_ctl & FC_FC_END_SEQ))
		violation("fill bytes inside a sequence, F_CTL %06x", f->f_ctl);
	if (!all_zero(f->payload + f->len, fill))
		violation("fill bytes are not 0");
	if (h->fh_cs_ctl || h->fh_df_ctl)
		violation("CS_CTL %02x DF_CTL %02x", h->fh_cs_ctl, h->fh_df_ctl);
	if (!!(f->f_ctl & FC_FC_END_SEQ) != (f->eof == FC_EOF_T))
		violation("EOF %02x with F_CTL %06x", f->eof, f->f_ctl);
	if (f->f_ctl & ~(FC_FC_EX_CTX | FC_FC_FIRST_SEQ | FC_FC_LAST_SEQ | FC_FC_END_SEQ |
			 FC_FC_SEQ_INIT | FC_FC_REL_OFF | 3))
		violation("F_CTL %06x", f->f_ctl);
}

void wire_input(struct sk_buff *skb)
{
	u8 *eth = skb->data;
	struct rx f;

	stats[ST_RX]++;
	if (skb->protocol == htons(ETH_P_FIP)) {
		fip_input(eth, skb->len);
		return;
	}
	if (skb->len < ETH_HLEN + FRAME_OVERHEAD) {
		violation("FCoE frame of %u bytes", skb->len);
		return;
	}
	if (!parse(eth, skb->len, &f)) {
		stats[ST_BAD]++;
		return;
	}
	look(eth, &f);
	if (!own_id || f.d_id != own_id) {
		stats[ST_STALE]++;
		return;
	}
	exch_input(&f);
}

/* Any context. Frames of other N_Ports on this interface are not ours. */
static int receive(struct sk_buff *skb, struct net_device *d, struct packet_type *pt,
		   struct net_device *orig)
{
	skb = skb_share_check(skb, GFP_ATOMIC);
	if (!skb)
		return NET_RX_DROP;
	skb_push(skb, ETH_HLEN);
	if (skb_linearize(skb) ||
	    (skb->pkt_type != PACKET_HOST && skb->pkt_type != PACKET_MULTICAST &&
	     !ether_addr_equal(skb->data, wire_mac))) {
		kfree_skb(skb);
		return NET_RX_DROP;
	}
	actor_frame(skb);
	return NET_RX_SUCCESS;
}

static struct packet_type fcoe_type = { .type = htons(ETH_P_FCOE), .func = receive };
static struct packet_type fip_type = { .type = htons(ETH_P_FIP), .func = receive };

bool wire_up(void)
{
	return netif_running(dev) && netif_carrier_ok(dev);
}

static void link_errand(struct errand *e)
{
	static bool up;

	if (wire_up() == up)
		return;
	up = !up;
	pr_info("link %s\n", up ? "up" : "down");
	if (!up)
		port_all_gone("link down");
	fip_link(up);
}

static int on_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	static struct errand link;

	if (netdev_notifier_info_to_dev(ptr) == dev)
		actor_post(&link, link_errand);
	return NOTIFY_DONE;
}
static struct notifier_block notifier = { .notifier_call = on_event };

/* The N_Port's address, and with it that of its frames; 0: none. */
void wire_set_id(u32 id)
{
	u8 mac[ETH_ALEN];

	vn_mac(mac, id);
	rtnl_lock();
	if (!is_zero_ether_addr(wire_mac))
		dev_uc_del(dev, wire_mac);
	eth_zero_addr(wire_mac);
	if (id && !dev_uc_add(dev, mac))
		ether_addr_copy(wire_mac, mac);
	rtnl_unlock();
}

static int open_socket(void)
{
	int ret = sock_create_kern(&init_net, PF_PACKET, SOCK_RAW, 0, &sock);

	if (!ret)
		sock->sk->sk_sndtimeo = SEND_WAIT;
	return ret;
}

int wire_start(void)
{
	int ret;

	dev = dev_get_by_name(&init_net, p_netdev);
	if (!dev)
		return -ENODEV;
	ret = dev->mtu < FRAME_OVERHEAD + FC_MIN_MAX_PAYLOAD ? -EINVAL : open_socket();
	if (ret) {
		dev_put(dev);
		return ret;
	}
	ether_addr_copy(wire_enode, dev->dev_addr);
	rtnl_lock();
	dev_mc_add(dev, all_vn2vn);
	rtnl_unlock();
	fcoe_type.dev = fip_type.dev = dev;
	dev_add_pack(&fcoe_type);
	dev_add_pack(&fip_type);
	register_netdevice_notifier(&notifier); /* tells of the interface as it is */
	return 0;
}

void wire_stop(void)
{
	unregister_netdevice_notifier(&notifier);
	dev_remove_pack(&fip_type);
	dev_remove_pack(&fcoe_type);
}

void wire_release(void)
{
	wire_set_id(0);
	rtnl_lock();
	dev_mc_del(dev, all_vn2vn);
	rtnl_unlock();
	sock_release(sock);
	dev_put(dev);
}
