package sluice.dmacore.linux;

/** {@code sys/socket.h}, linked on first use; values from {@code linux/socket.h} and {@code asm-generic/socket.h}. */
final class Sockets {
    static final int AF_UNIX = 1;
    static final int SOCK_STREAM = 1;
    static final int SOCK_DGRAM = 2;
    static final int SOCK_NONBLOCK = 0x800;
    static final int SOCK_CLOEXEC = 0x80000;
    static final int SOL_SOCKET = 1;
    static final int SO_TYPE = 3;
    static final int SO_SNDBUF = 7;
    static final int SO_PEERCRED = 17;
    static final int SO_ACCEPTCONN = 30;
    static final int SO_DOMAIN = 39;
    static final int SCM_RIGHTS = 1;
    static final int SHUT_RDWR = 2;
    static final int MSG_CTRUNC = 0x8;
    static final int MSG_DONTWAIT = 0x40;
    static final int MSG_NOSIGNAL = 0x4000;
    static final int MSG_CMSG_CLOEXEC = 0x40000000;

    static final NativeCall SOCKET = NativeCall.returningInt("socket");
    static final NativeCall SOCKETPAIR = NativeCall.returningInt("socketpair");
    static final NativeCall BIND = NativeCall.returningInt("bind");
    static final NativeCall LISTEN = NativeCall.returningInt("listen");
    static final NativeCall ACCEPT4 = NativeCall.returningInt("accept4");
    static final NativeCall CONNECT = NativeCall.returningInt("connect");
    static final NativeCall GETSOCKOPT = NativeCall.returningInt("getsockopt");
    static final NativeCall GETPEERNAME = NativeCall.returningInt("getpeername");
    static final NativeCall SETSOCKOPT = NativeCall.returningInt("setsockopt");
    static final NativeCall SHUTDOWN = NativeCall.returningInt("shutdown");
    static final NativeCall FCHMOD = NativeCall.returningInt("fchmod");
    static final NativeCall RECVMSG = NativeCall.returningLong("recvmsg");
    static final NativeCall SENDMSG = NativeCall.returningLong("sendmsg");

    private Sockets() {}
}
