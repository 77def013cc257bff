package sluice.dmacore.linux;

/**
 * Offsets and sizes of the structures of sendmsg(2), for 64-bit Linux ({@code linux/socket.h}, {@code linux/uio.h}).
 */
final class MessageLayout {
    static final long MSGHDR_BYTES = 56;
    static final long MSG_IOV = 16;
    static final long MSG_IOVLEN = 24;
    static final long MSG_CONTROL = 32;
    static final long MSG_CONTROLLEN = 40;
    static final long MSG_FLAGS = 48;

    static final long IOVEC_BYTES = 16;
    static final long IOV_BASE = 0;
    static final long IOV_LEN = 8;

    static final long CMSGHDR_BYTES = 16;
    static final long CMSG_LEN = 0;
    static final long CMSG_LEVEL = 8;
    static final long CMSG_TYPE = 12;

    private MessageLayout() {}

    /** CMSG_LEN: header and data, without padding. */
    static long cmsgLength(long dataBytes) {
        return CMSGHDR_BYTES + dataBytes;
    }

    /** CMSG_SPACE: header, data and padding to the next header. */
    static long cmsgSpace(long dataBytes) {
        return CMSGHDR_BYTES + (dataBytes + 7 & ~7L);
    }
}
