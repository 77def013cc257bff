package sluice.guest;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/**
 * QEMU's test protocol (QEMU, system/qtest.c): accesses to ports and memory in place of a guest's CPU, as lines of text.
 * Values are unsigned with the width of the name's suffix: b 8, w 16, l 32, q 64 bits. Lines about interrupts are
 * skipped. Not thread-safe.
 */
public final class QtestSession implements AutoCloseable {
    /** Bytes per hexadecimal line, suitable for QEMU's chardev buffers. */
    private static final int BLOCK = 64 * 1024;

    private final SocketChannel channel;
    private final OutputStream out;
    private final BufferedReader in;

    QtestSession(SocketChannel channel) {
        this.channel = channel;
        out = Channels.newOutputStream(channel);
        in = new BufferedReader(new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.US_ASCII));
    }

    /** Writes 8 bits to an I/O port. */
    public void outb(int port, int value) throws IOException {
        command("outb 0x%x 0x%x".formatted(port, value & 0xFF));
    }

    /** Writes 16 bits to an I/O port. */
    public void outw(int port, int value) throws IOException {
        command("outw 0x%x 0x%x".formatted(port, value & 0xFFFF));
    }

    /** Writes 32 bits to an I/O port. */
    public void outl(int port, int value) throws IOException {
        command("outl 0x%x 0x%x".formatted(port, value));
    }

    /** Reads 8 bits from an I/O port. */
    public int inb(int port) throws IOException {
        return (int) value(command("inb 0x%x".formatted(port)));
    }

    /** Reads 16 bits from an I/O port. */
    public int inw(int port) throws IOException {
        return (int) value(command("inw 0x%x".formatted(port)));
    }

    /** Reads 32 bits from an I/O port. */
    public int inl(int port) throws IOException {
        return (int) value(command("inl 0x%x".formatted(port)));
    }

    /** Reads 8 bits of guest physical memory or device memory. */
    public int readb(long address) throws IOException {
        return (int) value(command("readb 0x%x".formatted(address)));
    }

    /** Reads 16 bits. */
    public int readw(long address) throws IOException {
        return (int) value(command("readw 0x%x".formatted(address)));
    }

    /** Reads 32 bits. */
    public int readl(long address) throws IOException {
        return (int) value(command("readl 0x%x".formatted(address)));
    }

    /** Reads 64 bits. */
    public long readq(long address) throws IOException {
        return value(command("readq 0x%x".formatted(address)));
    }

    /** Writes 8 bits. */
    public void writeb(long address, int value) throws IOException {
        command("writeb 0x%x 0x%x".formatted(address, value & 0xFF));
    }

    /** Writes 16 bits. */
    public void writew(long address, int value) throws IOException {
        command("writew 0x%x 0x%x".formatted(address, value & 0xFFFF));
    }

    /** Writes 32 bits. */
    public void writel(long address, int value) throws IOException {
        command("writel 0x%x 0x%x".formatted(address, value));
    }

    /** Writes 64 bits. */
    public void writeq(long address, long value) throws IOException {
        command("writeq 0x%x 0x%x".formatted(address, value));
    }

    /** Reads a block of memory. */
    public byte[] read(long address, int length) throws IOException {
        byte[] all = new byte[length];
        for (int done = 0; done < length;) {
            int part = Math.min(BLOCK, length - done);
            String hex = command("read 0x%x 0x%x".formatted(address + done, part));
            byte[] bytes = HexFormat.of().parseHex(hex, 2, hex.length());
            if (bytes.length != part)
                throw new IOException("qtest read " + bytes.length + " bytes, not " + part);
            System.arraycopy(bytes, 0, all, done, part);
            done += part;
        }
        return all;
    }

    /** Writes a block of memory. */
    public void write(long address, byte[] content) throws IOException {
        for (int done = 0; done < content.length;) {
            int part = Math.min(BLOCK, content.length - done);
            command("write 0x%x 0x%x 0x%s".formatted(address + done, part,
                    HexFormat.of().formatHex(content, done, done + part)));
            done += part;
        }
    }

    /** Sends a command and returns what follows "OK", without the space. */
    private String command(String line) throws IOException {
        out.write((line + "\n").getBytes(StandardCharsets.US_ASCII));
        out.flush();
        while (true) {
            String answer = in.readLine();
            if (answer == null)
                throw new IOException("QEMU closed the qtest connection after: " + shortened(line));
            if (answer.startsWith("IRQ "))
                continue;
            if (!answer.equals("OK") && !answer.startsWith("OK ")) {
                throw new IOException("qtest answered \"" + answer + "\" to: " + shortened(line));
            }
            return answer.substring(2).strip();
        }
    }

    private static String shortened(String line) {
        return line.length() < 80 ? line : line.substring(0, 80) + "...";
    }

    private static long value(String answer) {
        return Long.parseUnsignedLong(answer.startsWith("0x") ? answer.substring(2) : answer, 16);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
