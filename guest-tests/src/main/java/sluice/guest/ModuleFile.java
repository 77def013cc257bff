package sluice.guest;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import sluice.vdev.qemu.HostCommand;

/**
 * A kernel module's file, and what it says of itself: the section {@code .modinfo} of an ELF file has texts {@code name=value}, each with
 * a zero behind it (Linux, include/linux/moduleparam.h).
 */
final class ModuleFile {
    private static final int ELF = 0x464C457F;
    private static final byte BITS_64 = 2;
    private static final byte LITTLE_ENDIAN = 1;
    private static final int HEADER = 64;
    private static final int SECTION_HEADER = 64;
    private static final String INFORMATION = ".modinfo";

    private final Path path;
    private final byte[] content;
    private final List<String> information;

    private ModuleFile(Path path, byte[] content, List<String> information) {
        this.path = path;
        this.content = content;
        this.information = information;
    }

    /**
     * Reads a module, compressed or not.
     *
     * @throws IOException it cannot be read or unpacked, or is not a kernel module
     */
    static ModuleFile read(Path path) throws IOException, InterruptedException {
        byte[] content = unpacked(path);
        return new ModuleFile(path, content,
                information(path, ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN)));
    }

    /** busybox's insmod takes plain modules only, and those of distributions are compressed. */
    static byte[] unpacked(Path module) throws IOException, InterruptedException {
        String name = module.toString();
        if (name.endsWith(".xz")) return HostCommand.output(List.of("xz", "-dc", name));
        if (name.endsWith(".zst")) return HostCommand.output(List.of("zstd", "-dcq", name));
        if (name.endsWith(".gz")) return HostCommand.output(List.of("gzip", "-dc", name));
        return Files.readAllBytes(module);
    }

    private static List<String> information(Path path, ByteBuffer elf) throws IOException {
        try {
            if (elf.limit() < HEADER || elf.getInt(0) != ELF || elf.get(4) != BITS_64 || elf.get(5) != LITTLE_ENDIAN)
                throw new IOException(path + " is not a kernel module: it is not a 64-bit ELF file");
            long table = elf.getLong(0x28);
            int count = Short.toUnsignedInt(elf.getShort(0x3C));
            ByteBuffer names = section(elf, table, Short.toUnsignedInt(elf.getShort(0x3E)));
            for (int i = 0; i < count; i++) {
                int name = elf.getInt(Math.toIntExact(table + (long) i * SECTION_HEADER));
                if (text(names, name).equals(INFORMATION)) return texts(section(elf, table, i));
            }
        } catch (IndexOutOfBoundsException | IllegalArgumentException | ArithmeticException e) {
            throw new IOException(path + " is not a kernel module: its sections lie outside of the file", e);
        }
        throw new IOException(path + " is not a kernel module: it has no section " + INFORMATION);
    }

    private static ByteBuffer section(ByteBuffer elf, long table, int index) {
        int at = Math.toIntExact(table + (long) index * SECTION_HEADER);
        return elf.slice(Math.toIntExact(elf.getLong(at + 0x18)), Math.toIntExact(elf.getLong(at + 0x20)));
    }

    private static String text(ByteBuffer bytes, int from) {
        int to = from;
        while (to < bytes.limit() && bytes.get(to) != 0)
            to++;
        byte[] text = new byte[to - from];
        bytes.get(from, text);
        return new String(text, StandardCharsets.UTF_8);
    }

    private static List<String> texts(ByteBuffer bytes) {
        List<String> texts = new ArrayList<>();
        for (int at = 0; at < bytes.limit();) {
            String text = text(bytes, at);
            if (!text.isEmpty()) texts.add(text);
            at += text.getBytes(StandardCharsets.UTF_8).length + 1;
        }
        return texts;
    }

    /** Its bytes, not compressed. */
    byte[] content() {
        return content.clone();
    }

    /** The modules that must be loaded before it, as depmod(8) knows them. */
    List<String> dependencies() {
        return value("depends").filter(names -> !names.isEmpty()).map(names -> List.of(names.split(",")))
                .orElse(List.of());
    }

    /** What the kernel calls it. */
    String name() {
        return value("name").orElseGet(() -> ModuleOrder.name(path.toString()));
    }

    /** The release of the kernel that it was built for. */
    String release() {
        return value("vermagic").map(magic -> magic.split(" ", 2)[0]).orElse("");
    }

    private Optional<String> value(String name) {
        return information.stream().filter(text -> text.startsWith(name + "="))
                .map(text -> text.substring(name.length() + 1)).findFirst();
    }
}
