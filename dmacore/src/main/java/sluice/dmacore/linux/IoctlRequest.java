package sluice.dmacore.linux;

/**
 * The request of an ioctl and its name for messages.
 *
 * <p>Numbers are put together as {@code asm-generic/ioctl.h} does, which x86-64 and aarch64 share: direction in bits 31
 * and 30, size of the argument in the 14 bits below, then type and number of 8 bits each.
 *
 * @param name   as the kernel's header calls it, such as {@code DMA_BUF_IOCTL_SYNC}
 * @param number unsigned 32 bits
 */
record IoctlRequest(String name, long number) {
    private static final long WRITE = 1L << 30;
    private static final long READ = 2L << 30;
    private static final long READ_WRITE = 3L << 30;
    private static final long MAX_SIZE = (1 << 14) - 1;

    /** A request whose argument the kernel reads: {@code _IOW}. */
    static IoctlRequest write(String name, char type, int number, long size) {
        return new IoctlRequest(name, WRITE | encode(type, number, size));
    }

    /** A request whose argument the kernel writes: {@code _IOR}. */
    static IoctlRequest read(String name, char type, int number, long size) {
        return new IoctlRequest(name, READ | encode(type, number, size));
    }

    /** A request whose argument the kernel reads and writes: {@code _IOWR}. */
    static IoctlRequest readWrite(String name, char type, int number, long size) {
        return new IoctlRequest(name, READ_WRITE | encode(type, number, size));
    }

    private static long encode(char type, int number, long size) {
        if (type > 0xff || number < 0 || number > 0xff || size < 0 || size > MAX_SIZE) {
            throw new IllegalArgumentException("A request has a type and a number of 8 bits each and an argument of at "
                    + "most " + MAX_SIZE + " bytes, but these are " + (int) type + ", " + number + " and " + size
                    + ".");
        }
        return size << 16 | (long) type << 8 | number;
    }
}
