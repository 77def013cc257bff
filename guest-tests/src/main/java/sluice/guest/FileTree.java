package sluice.guest;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.stream.Stream;

/** The content of a host folder for a guest: files, their executable bit, symbolic links. */
final class FileTree {
    @SuppressWarnings("ArrayRecordComponent") // a carrier inside this class: entries are never compared
    private record Entry(boolean link, boolean executable, byte[] content) {}

    /** By relative path, in an order independent of the file system. */
    private final Map<String, Entry> entries = new TreeMap<>();

    private FileTree() {}

    /** Reads all of it; empty folders are omitted. */
    static FileTree read(Path folder) throws IOException {
        List<Path> found;
        try (Stream<Path> walk = Files.walk(folder)) {
            found = walk.toList();
        }
        FileTree tree = new FileTree();
        for (Path path : found) {
            String name = folder.relativize(path).toString();
            if (Files.isSymbolicLink(path)) {
                byte[] target = Files.readSymbolicLink(path).toString().getBytes(StandardCharsets.UTF_8);
                tree.entries.put(name, new Entry(true, false, target));
            } else if (Files.isRegularFile(path)) {
                tree.entries.put(name, new Entry(false, Files.isExecutable(path), Files.readAllBytes(path)));
            }
        }
        return tree;
    }

    /** Adds every entry with its attributes to a hash. */
    void hash(BiConsumer<String, byte[]> hash) {
        entries.forEach((name, entry) -> {
            String kind = entry.link ? "link " : entry.executable ? "program " : "file ";
            hash.accept(kind + name, entry.content);
        });
    }

    void write(CpioArchive archive) throws IOException {
        for (Map.Entry<String, Entry> named : entries.entrySet()) {
            Entry entry = named.getValue();
            if (entry.link) {
                archive.link(named.getKey(), new String(entry.content, StandardCharsets.UTF_8));
            } else {
                archive.file(named.getKey(), entry.executable ? 0755 : 0644, entry.content);
            }
        }
    }
}
