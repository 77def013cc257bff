package sluice.dmacore.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

/**
 * Sends and receives bytes with descriptors on a Unix stream socket: sendmsg(2), recvmsg(2), SCM_RIGHTS.
 *
 * <p>One object serves one thread, any number of messages and both directions; a receive does not affect a message
 * being composed. Nothing is allocated after construction, except for received descriptors.
 *
 * <p>On a stream the kernel ends a read after bytes that carry descriptors, but merges them with plain bytes before
 * them. So a large read cannot attribute the descriptors: request exactly the missing bytes of the current message, so
 * that descriptors belong to it.
 */
public final class SocketMessage implements AutoCloseable {
    /** Descriptors in one message, each way; the kernel's own limit is 253. */
    public static final int MAX_FDS = 32;
    /** The most pieces of one message: IOV_MAX of Linux. */
    public static final int MAX_CAPACITY = 1024;
    /** {@link #receive}: end of stream: the peer has shut it down. */
    public static final int END = 0;
    /** {@link #receive}, {@link #send}: no byte could be transferred now. */
    public static final int WOULD_BLOCK = -1;

    private static final long CONTROL_BYTES = MessageLayout.cmsgSpace((long) MAX_FDS * Integer.BYTES);
    private static final long RECEIVE_HEADER = 0;
    private static final long SEND_HEADER = RECEIVE_HEADER + MessageLayout.MSGHDR_BYTES;
    private static final long RECEIVE_PIECE = SEND_HEADER + MessageLayout.MSGHDR_BYTES;
    private static final long RECEIVE_CONTROL = RECEIVE_PIECE + MessageLayout.IOVEC_BYTES;
    private static final long SEND_CONTROL = RECEIVE_CONTROL + CONTROL_BYTES;
    private static final long SEND_PIECES = SEND_CONTROL + CONTROL_BYTES;

    private final MemorySegment block;
    private final long base;
    private final @Nullable MemorySegment[] pieces;
    private final ArrayList<Fd> attached = new ArrayList<>(MAX_FDS);
    private final ArrayList<Fd> received = new ArrayList<>(MAX_FDS);
    private int count;
    private boolean closed;

    /**
     * An empty message.
     *
     * @param capacity the most pieces of a message to send, 1 to {@link #MAX_CAPACITY}; not used for receiving
     */
    public SocketMessage(int capacity) {
        if (capacity < 1 || capacity > MAX_CAPACITY) {
            throw new IllegalArgumentException("A message is gathered from 1 to " + MAX_CAPACITY
                    + " pieces, but a capacity of " + capacity + " was asked for.");
        }
        // Garbage-collected with this object: a confined arena would tie it to its creating thread, and closing a
        // shared one is slow.
        block = Arena.ofAuto().allocate(SEND_PIECES + capacity * MessageLayout.IOVEC_BYTES, Long.BYTES);
        base = block.address();
        pieces = new @Nullable MemorySegment[capacity];
        block.set(JAVA_LONG, RECEIVE_HEADER + MessageLayout.MSG_IOV, base + RECEIVE_PIECE);
        block.set(JAVA_LONG, RECEIVE_HEADER + MessageLayout.MSG_IOVLEN, 1);
        block.set(JAVA_LONG, RECEIVE_HEADER + MessageLayout.MSG_CONTROL, base + RECEIVE_CONTROL);
        block.set(JAVA_LONG, SEND_HEADER + MessageLayout.MSG_IOV, base + SEND_PIECES);
    }

    /**
     * Receives once, without blocking. Received descriptors are close-on-exec and kept here until {@link #takeFds} or
     * {@link #close}.
     *
     * @param address target; the caller keeps the memory alive
     * @param length  the most bytes to receive, 1 or more
     * @return bytes received, {@link #END} or {@link #WOULD_BLOCK}
     * @throws ErrnoException such as ECONNRESET
     * @throws IOException more than {@link #MAX_FDS} descriptors arrived at once or were not taken; all are closed, and
     * the stream is unusable
     */
    public int receive(Fd socket, long address, int length) throws IOException {
        requireOpen();
        if (length < 1) {
            throw new IllegalArgumentException("1 byte or more is received, but the length is " + length + ".");
        }
        block.set(JAVA_LONG, RECEIVE_PIECE + MessageLayout.IOV_BASE, address);
        block.set(JAVA_LONG, RECEIVE_PIECE + MessageLayout.IOV_LEN, length);
        block.set(JAVA_LONG, RECEIVE_HEADER + MessageLayout.MSG_CONTROLLEN, CONTROL_BYTES);
        block.set(JAVA_INT, RECEIVE_HEADER + MessageLayout.MSG_FLAGS, 0);
        long result = call(Sockets.RECVMSG, socket, RECEIVE_HEADER, Sockets.MSG_DONTWAIT | Sockets.MSG_CMSG_CLOEXEC);
        if (result == -Errno.EAGAIN) {
            return WOULD_BLOCK;
        }
        Sockets.RECVMSG.orThrow(result);
        long controlLength = block.get(JAVA_LONG, RECEIVE_HEADER + MessageLayout.MSG_CONTROLLEN);
        if (controlLength != 0) {
            collectFds(Math.min(controlLength, CONTROL_BYTES));
        }
        if ((block.get(JAVA_INT, RECEIVE_HEADER + MessageLayout.MSG_FLAGS) & Sockets.MSG_CTRUNC) != 0) {
            closeReceived();
            throw new IOException(
                    "The peer sent more than " + MAX_FDS + " descriptors with one message, or this process "
                            + "may not open as many (MSG_CTRUNC); all of them were closed.");
        }
        if (received.size() > MAX_FDS) {
            int untaken = received.size();
            closeReceived();
            throw new IOException(
                    "The peer sent " + untaken + " descriptors with the parts of one message, but " + MAX_FDS
                            + " is the limit; all of them were closed.");
        }
        return (int) result;
    }

    /**
     * Receives once into native memory, as {@link #receive(Fd, long, int)}. The segment's arena must not be closed during
     * the call.
     *
     * @param offset bytes from the start of the segment
     * @param length the most bytes to receive, 1 or more; more than 2^31 - 1 is received in parts
     */
    public int receive(Fd socket, MemorySegment segment, long offset, long length) throws IOException {
        if (segment.isReadOnly()) {
            throw new IllegalArgumentException("Bytes cannot be received into a read-only segment.");
        }
        long address = checkedAddress(segment, offset, length);
        try {
            return receive(socket, address, (int) Math.min(length, Integer.MAX_VALUE));
        } finally {
            Reference.reachabilityFence(segment);
        }
    }

    /** Number of received descriptors not yet taken. */
    public int fdCount() {
        return received.size();
    }

    /** Returns the descriptors received since the last take, in the order sent; the caller closes them. */
    public List<Fd> takeFds() {
        if (received.isEmpty()) {
            return List.of();
        }
        List<Fd> taken = List.copyOf(received);
        received.clear();
        return taken;
    }

    /** Removes the pieces and descriptors to send. */
    public void clear() {
        for (int i = 0; i < count; i++) {
            pieces[i] = null;
        }
        count = 0;
        attached.clear();
    }

    /**
     * Adds a piece of native memory to send. Only its address is kept: its arena must not be closed before {@link
     * #send} has returned. A piece of 0 bytes is ignored.
     *
     * @param offset bytes from the start of the segment
     * @param length bytes, 0 or more
     * @throws IllegalStateException the message is full, or the segment's arena is closed
     */
    public void add(MemorySegment segment, long offset, long length) {
        int index = count;
        add(checkedAddress(segment, offset, length), length);
        if (count > index) {
            // Keeps memory reachable for the garbage collector; does not prevent the closing of its arena.
            pieces[index] = segment;
        }
    }

    /**
     * Adds a piece of native memory to send; the caller keeps it alive until {@link #send} has returned. A piece of 0
     * bytes is ignored.
     *
     * @param length bytes, 0 or more
     * @throws IllegalStateException the message is full
     */
    public void add(long address, long length) {
        if (length < 0) {
            throw new IllegalArgumentException("A piece has 0 bytes or more, but its length is " + length + ".");
        }
        if (length == 0) {
            return;
        }
        if (isFull()) {
            throw new IllegalStateException(
                    "The message is full: it is gathered from at most " + pieces.length + " pieces.");
        }
        long piece = SEND_PIECES + count * MessageLayout.IOVEC_BYTES;
        block.set(JAVA_LONG, piece + MessageLayout.IOV_BASE, address);
        block.set(JAVA_LONG, piece + MessageLayout.IOV_LEN, length);
        count++;
    }

    /** Whether no further piece can be added. */
    public boolean isFull() {
        return count == pieces.length;
    }

    /**
     * Adds descriptors, sent with the first byte. The caller keeps ownership and may close them once they are sent.
     *
     * @throws IllegalArgumentException more than {@link #MAX_FDS} in one message
     */
    public void attach(Fd... fds) {
        if (attached.size() + fds.length > MAX_FDS) {
            throw new IllegalArgumentException("A message carries at most " + MAX_FDS + " descriptors, but "
                    + (attached.size() + fds.length) + " were attached.");
        }
        for (Fd fd : fds) {
            attached.add(fd);
        }
    }

    /**
     * Sends once, without blocking and without SIGPIPE. The pieces are unchanged: after a partial send, clear and add
     * the rest. Descriptors sent with the first byte are no longer attached.
     *
     * @return bytes sent, which may be fewer than added, or {@link #WOULD_BLOCK}
     * @throws ErrnoException such as EPIPE, ECONNRESET, ETOOMANYREFS (too many descriptors in flight)
     * @throws IllegalStateException descriptors without a byte to send, or a closed descriptor
     */
    public long send(Fd socket) throws ErrnoException {
        requireOpen();
        if (count == 0) {
            if (!attached.isEmpty()) {
                throw new IllegalStateException(
                        "Descriptors travel with a byte of the stream, but the message has none.");
            }
            return 0;
        }
        return sendAll(socket);
    }

    /**
     * Sends an empty datagram with the attached descriptors, of which there is one at least, as {@link #send} does.
     *
     * @return false if the receiver has no room now; the descriptors are then still attached
     * @throws ErrnoException such as ECONNREFUSED, EPIPE
     * @throws IllegalStateException there are bytes to be sent, or no descriptors
     */
    public boolean sendDescriptors(Fd socket) throws ErrnoException {
        requireOpen();
        if (count > 0 || attached.isEmpty())
            throw new IllegalStateException("An empty datagram has descriptors and no bytes.");
        return sendAll(socket) != WOULD_BLOCK;
    }

    private long sendAll(Fd socket) throws ErrnoException {
        block.set(JAVA_LONG, SEND_HEADER + MessageLayout.MSG_IOVLEN, count);
        writeControl();
        long result = call(Sockets.SENDMSG, socket, SEND_HEADER, Sockets.MSG_DONTWAIT | Sockets.MSG_NOSIGNAL);
        if (result == -Errno.EAGAIN) {
            return WOULD_BLOCK;
        }
        Sockets.SENDMSG.orThrow(result);
        attached.clear();
        return result;
    }

    /** Closes the descriptors not taken; the message must not be used afterwards. */
    @Override
    public void close() {
        closed = true;
        clear();
        closeReceived();
    }

    private long call(NativeCall function, Fd socket, long header, int flags) {
        try {
            return function.callThroughSignals(socket.number(), base + header, flags);
        } finally {
            // The kernel uses the block, and the pieces, by address.
            Reference.reachabilityFence(this);
        }
    }

    private void writeControl() {
        int fds = attached.size();
        if (fds == 0) {
            block.set(JAVA_LONG, SEND_HEADER + MessageLayout.MSG_CONTROL, 0);
            block.set(JAVA_LONG, SEND_HEADER + MessageLayout.MSG_CONTROLLEN, 0);
            return;
        }
        long bytes = (long) fds * Integer.BYTES;
        block.set(JAVA_LONG, SEND_HEADER + MessageLayout.MSG_CONTROL, base + SEND_CONTROL);
        block.set(JAVA_LONG, SEND_HEADER + MessageLayout.MSG_CONTROLLEN, MessageLayout.cmsgSpace(bytes));
        block.set(JAVA_LONG, SEND_CONTROL + MessageLayout.CMSG_LEN, MessageLayout.cmsgLength(bytes));
        block.set(JAVA_INT, SEND_CONTROL + MessageLayout.CMSG_LEVEL, Sockets.SOL_SOCKET);
        block.set(JAVA_INT, SEND_CONTROL + MessageLayout.CMSG_TYPE, Sockets.SCM_RIGHTS);
        for (int i = 0; i < fds; i++) {
            block.set(JAVA_INT, SEND_CONTROL + MessageLayout.CMSGHDR_BYTES + (long) i * Integer.BYTES,
                    attached.get(i).number());
        }
    }

    private void collectFds(long controlLength) {
        long at = 0;
        while (at + MessageLayout.CMSGHDR_BYTES <= controlLength) {
            long header = RECEIVE_CONTROL + at;
            long length = Math.min(block.get(JAVA_LONG, header + MessageLayout.CMSG_LEN), controlLength - at);
            if (length < MessageLayout.CMSGHDR_BYTES) {
                return;
            }
            if (block.get(JAVA_INT, header + MessageLayout.CMSG_LEVEL) == Sockets.SOL_SOCKET
                    && block.get(JAVA_INT, header + MessageLayout.CMSG_TYPE) == Sockets.SCM_RIGHTS) {
                for (long data = MessageLayout.CMSGHDR_BYTES; data + Integer.BYTES <= length; data += Integer.BYTES) {
                    received.add(Fd.own(block.get(JAVA_INT, header + data)));
                }
            }
            at += MessageLayout.cmsgSpace(length - MessageLayout.CMSGHDR_BYTES);
        }
    }

    private void closeReceived() {
        received.forEach(Fd::close);
        received.clear();
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("This message was closed.");
        }
    }

    private static long checkedAddress(MemorySegment segment, long offset, long length) {
        if (!segment.isNative()) {
            throw new IllegalArgumentException(
                    "Only native memory has an address the kernel can use; copy heap bytes first.");
        }
        if (offset < 0 || length < 0 || offset > segment.byteSize() - length) {
            throw new IllegalArgumentException(
                    "Offset " + offset + " and length " + length + " lie outside the segment of "
                            + segment.byteSize() + " bytes.");
        }
        if (!segment.scope().isAlive()) {
            throw new IllegalStateException("The segment's arena is closed.");
        }
        return segment.address() + offset;
    }
}
