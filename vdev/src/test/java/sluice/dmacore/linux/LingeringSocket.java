package sluice.dmacore.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

/**
 * A TCP connection over the loopback device whose peer never reads: the last close(2) of {@link #full} waits for as long as
 * SO_LINGER says (socket(7)). It lies here because native calls may be made only here.
 */
public final class LingeringSocket implements AutoCloseable {
    private static final int AF_INET = 2;
    private static final int SO_LINGER = 13;
    private static final int ADDRESS_BYTES = 16;
    private static final int CHUNK = 1 << 16;
    private static final NativeCall GETSOCKNAME = NativeCall.returningInt("getsockname");
    private static final NativeCall SEND = NativeCall.returningLong("send");

    private final Fd listener;
    private final Fd full;

    private LingeringSocket(Fd listener, Fd full) {
        this.listener = listener;
        this.full = full;
    }

    /** @param seconds that its close waits */
    public static LingeringSocket open(int seconds) throws ErrnoException {
        Fd listener = socket();
        Fd full = socket();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(ADDRESS_BYTES, 4);
            address.set(JAVA_SHORT, 0, (short) AF_INET);
            // 127.0.0.1, and any port.
            address.set(JAVA_BYTE, 4, (byte) 127);
            address.set(JAVA_BYTE, 7, (byte) 1);
            Sockets.BIND.orThrow(Sockets.BIND.call(listener.number(), address.address(), ADDRESS_BYTES));
            Sockets.LISTEN.orThrow(Sockets.LISTEN.call(listener.number(), 1));
            MemorySegment length = arena.allocateFrom(JAVA_INT, ADDRESS_BYTES);
            GETSOCKNAME.orThrow(GETSOCKNAME.call(listener.number(), address.address(), length.address()));
            Sockets.CONNECT.orThrow(Sockets.CONNECT.call(full.number(), address.address(), ADDRESS_BYTES));
            MemorySegment linger = arena.allocateFrom(JAVA_INT, 1, seconds);
            Sockets.SETSOCKOPT.orThrow(Sockets.SETSOCKOPT.call(full.number(), Sockets.SOL_SOCKET, SO_LINGER,
                    linger.address(), linger.byteSize(), 0));
            MemorySegment data = arena.allocate(CHUNK);
            long sent;
            do {
                sent = SEND.call(full.number(), data.address(), CHUNK, Sockets.MSG_DONTWAIT, 0, 0);
            } while (sent > 0);
            if (sent != -Errno.EAGAIN) SEND.orThrow(sent);
        }
        return new LingeringSocket(listener, full);
    }

    private static Fd socket() throws ErrnoException {
        return Fd.own((int) Sockets.SOCKET
                .orThrow(Sockets.SOCKET.call(AF_INET, Sockets.SOCK_STREAM | Sockets.SOCK_CLOEXEC, 0)));
    }

    /** The end that has more to send than its peer takes. */
    public Fd full() {
        return full;
    }

    @Override
    public void close() {
        full.close();
        listener.close();
    }
}
