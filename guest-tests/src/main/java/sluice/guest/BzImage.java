package sluice.guest;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The header of an x86 kernel image (Linux, Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header"). */
final class BzImage {
    private static final int MAGIC_AT = 0x202;
    private static final int MAGIC = 0x53726448; // "HdrS"
    private static final int VERSION_AT = 0x20E;
    private static final int VERSION_BASE = 0x200;
    /** The setup code with its texts; the boot protocol allows 64 sectors of it. */
    private static final int SETUP = 64 * 512;

    private BzImage() {}

    /**
     * The release of the kernel inside, as {@code uname -r} prints it: the first word of the version that the header points to.
     *
     * @throws IOException the file cannot be read or is not such an image
     */
    static String release(Path image) throws IOException {
        ByteBuffer setup;
        try (InputStream stream = Files.newInputStream(image)) {
            setup = ByteBuffer.wrap(stream.readNBytes(SETUP)).order(ByteOrder.LITTLE_ENDIAN);
        }
        if (setup.limit() < VERSION_AT + 2 || setup.getInt(MAGIC_AT) != MAGIC)
            throw new IOException(image + " is not a kernel image for x86: it lacks the boot protocol's header");
        int from = VERSION_BASE + Short.toUnsignedInt(setup.getShort(VERSION_AT));
        int to = from;
        while (to < setup.limit() && setup.get(to) > ' ')
            to++;
        if (from == VERSION_BASE || to == from || to == setup.limit())
            throw new IOException(image + " does not say of which release it is");
        return new String(setup.array(), from, to - from, StandardCharsets.US_ASCII);
    }
}
