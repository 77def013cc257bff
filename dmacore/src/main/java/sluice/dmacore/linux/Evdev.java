package sluice.dmacore.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.BitSet;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

/**
 * A device node of Linux's input layer, such as {@code /dev/input/event0}: {@code linux/input.h}, {@code
 * drivers/input/evdev.c}. Non-blocking. Used by one thread at a time.
 */
public final class Evdev implements AutoCloseable {
    /** {@code struct input_event} on 64-bit machines: a time of 16 bytes, then type, code and value. */
    public static final int EVENT_BYTES = 24;

    static final IoctlRequest VERSION = IoctlRequest.read("EVIOCGVERSION", 'E', 0x01, Integer.BYTES);
    static final int NAME_BYTES = 256;
    static final IoctlRequest NAME = IoctlRequest.read("EVIOCGNAME", 'E', 0x06, NAME_BYTES);
    /** KEY_MAX is 0x2ff. */
    static final int BITS_BYTES = 96;
    static final IoctlRequest PRESSED = IoctlRequest.read("EVIOCGKEY", 'E', 0x18, BITS_BYTES);
    static final IoctlRequest GRAB = IoctlRequest.write("EVIOCGRAB", 'E', 0x90, Integer.BYTES);
    /** {@code struct input_absinfo}: value, minimum, maximum, fuzz, flat, resolution. */
    static final int ABSINFO_BYTES = 24;
    static final long ABSINFO_MINIMUM = 4;
    static final long ABSINFO_MAXIMUM = 8;
    private static final int BITS_OF_TYPE = 0x20;
    private static final int ABS_OF_CODE = 0x40;
    static final long EVENT_TYPE = 16;
    static final long EVENT_CODE = 18;
    static final long EVENT_VALUE = 20;

    private final Fd fd;
    private final int capacity;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment events;
    private int count;

    /**
     * The values of an absolute axis.
     *
     * @param minimum the least
     * @param maximum the greatest
     */
    public record Axis(int minimum, int maximum) {}

    private Evdev(Fd fd, int capacity) {
        this.fd = fd;
        this.capacity = capacity;
        events = arena.allocate((long) capacity * EVENT_BYTES, Long.BYTES);
    }

    /**
     * Opens a node, for writing too if this user may.
     *
     * @param capacity events that one {@link #read} takes at most, 1 or more
     * @throws ErrnoException ENOENT (no such node), EACCES, ENODEV, or ENOTTY (another kind of file)
     */
    public static Evdev open(Path node, int capacity) throws ErrnoException {
        Fd fd;
        try {
            fd = Fcntl.open(node, Fcntl.O_RDWR | Fcntl.O_NONBLOCK);
        } catch (ErrnoException e) {
            if (e.errno() != Errno.EACCES) throw e;
            fd = Fcntl.open(node, Fcntl.O_RDONLY | Fcntl.O_NONBLOCK);
        }
        boolean known = false;
        try {
            Ioctl.call(fd, VERSION, Libc.scratch());
            known = true;
            return new Evdev(fd, capacity);
        } finally {
            if (!known) fd.close();
        }
    }

    /**
     * Reads events from any descriptor that delivers {@code struct input_event}, such as a recording or the socket of a
     * test; takes ownership of it. It answers no request.
     *
     * @param capacity as {@link #open}
     */
    public static Evdev of(Fd fd, int capacity) {
        return new Evdev(fd, capacity);
    }

    /** The descriptor, to be watched; it stays this object's. */
    public Fd fd() {
        return fd;
    }

    /**
     * The device's name, such as {@code AT Translated Set 2 keyboard}.
     *
     * @throws ErrnoException such as ENODEV: it was unplugged
     */
    public String name() throws ErrnoException {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment name = call.allocate(NAME_BYTES);
            Ioctl.call(fd, NAME, name);
            name.set(JAVA_BYTE, NAME_BYTES - 1, (byte) 0);
            return name.getString(0, StandardCharsets.UTF_8);
        }
    }

    /**
     * The codes of a type of events that the device can send.
     *
     * @param type 1 to 31, such as EV_KEY
     * @throws ErrnoException such as ENODEV
     */
    public BitSet codes(int type) throws ErrnoException {
        return bits(codesOf(type));
    }

    static IoctlRequest codesOf(int type) {
        return IoctlRequest.read("EVIOCGBIT", 'E', BITS_OF_TYPE + type, BITS_BYTES);
    }

    /**
     * The keys that are pressed now.
     *
     * @throws ErrnoException such as ENODEV
     */
    public BitSet pressed() throws ErrnoException {
        return bits(PRESSED);
    }

    private BitSet bits(IoctlRequest request) throws ErrnoException {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment bits = call.allocate(BITS_BYTES);
            Ioctl.call(fd, request, bits);
            return BitSet.valueOf(bits.toArray(JAVA_BYTE));
        }
    }

    /**
     * The values of an axis that the device has.
     *
     * @param code 0 to 63, such as ABS_X
     * @throws ErrnoException such as ENODEV
     */
    public Axis axis(int code) throws ErrnoException {
        MemorySegment info = Libc.scratch();
        Ioctl.call(fd, axisOf(code), info);
        return new Axis(info.get(JAVA_INT, ABSINFO_MINIMUM), info.get(JAVA_INT, ABSINFO_MAXIMUM));
    }

    static IoctlRequest axisOf(int code) {
        return IoctlRequest.read("EVIOCGABS", 'E', ABS_OF_CODE + code, ABSINFO_BYTES);
    }

    /**
     * Takes the device for this reader alone, until it is closed: no other program of the host sees its events.
     *
     * @throws ErrnoException EBUSY: another program has it; ENODEV
     */
    public void grab() throws ErrnoException {
        Ioctl.call(fd, GRAB.number(), 1L);
    }

    /**
     * Reads events that have arrived, at most as many as the capacity.
     *
     * @return how many, to be read by index; 0 if there are none, -1 at the end of a recording or a socket
     * @throws ErrnoException ENODEV: the device was unplugged; EINVAL: not whole events
     */
    public int read() throws ErrnoException {
        long bytes = Unistd.READ.callThroughSignals(fd.number(), events.address(), (long) capacity * EVENT_BYTES);
        count = 0;
        if (bytes == -Errno.EAGAIN) return 0;
        if (Unistd.READ.orThrow(bytes) == 0) return -1;
        if (bytes % EVENT_BYTES != 0) throw new ErrnoException("read", Errno.EINVAL);
        count = (int) bytes / EVENT_BYTES;
        return count;
    }

    private long at(int index) {
        if (index < 0 || index >= count) throw new IndexOutOfBoundsException(index);
        return (long) index * EVENT_BYTES;
    }

    /** The type of an event that {@link #read} took, such as EV_KEY. */
    public int type(int index) {
        return Short.toUnsignedInt(events.get(JAVA_SHORT, at(index) + EVENT_TYPE));
    }

    /** Its code. */
    public int code(int index) {
        return Short.toUnsignedInt(events.get(JAVA_SHORT, at(index) + EVENT_CODE));
    }

    /** Its value. */
    public int value(int index) {
        return events.get(JAVA_INT, at(index) + EVENT_VALUE);
    }

    /**
     * Sends an event to the device, such as a light to be switched.
     *
     * @throws ErrnoException EBADF: it was opened for reading only; ENODEV
     */
    public void write(int type, int code, int value) throws ErrnoException {
        MemorySegment event = Libc.scratch().asSlice(0, EVENT_BYTES).fill((byte) 0);
        event.set(JAVA_SHORT, EVENT_TYPE, (short) type);
        event.set(JAVA_SHORT, EVENT_CODE, (short) code);
        event.set(JAVA_INT, EVENT_VALUE, value);
        Unistd.WRITE.orThrow(Unistd.WRITE.callThroughSignals(fd.number(), event.address(), EVENT_BYTES));
    }

    /** Closes the node, which ends a grab. */
    @Override
    public void close() {
        fd.close();
        if (arena.scope().isAlive()) arena.close();
    }
}
