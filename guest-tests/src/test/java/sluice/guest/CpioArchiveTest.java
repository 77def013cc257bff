package sluice.guest;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class CpioArchiveTest {
    /** What a reader that knows the format only finds in an archive. */
    private record Entry(String name, int mode, int inode, String content) {}

    private static List<Entry> read(byte[] archive) {
        List<Entry> entries = new ArrayList<>();
        int at = 0;
        while (true) {
            String header = new String(archive, at, 110, StandardCharsets.US_ASCII);
            assertThat(header).startsWith("070701");
            int nameSize = field(header, 11);
            int size = field(header, 6);
            String name = new String(archive, at + 110, nameSize - 1, StandardCharsets.UTF_8);
            assertThat(archive[at + 110 + nameSize - 1]).as("end of the name").isZero();
            int content = aligned(at + 110 + nameSize);
            if (name.equals("TRAILER!!!")) {
                assertThat(archive).hasSize(content);
                return entries;
            }
            entries.add(new Entry(name, field(header, 1), field(header, 0),
                    new String(archive, content, size, StandardCharsets.UTF_8)));
            at = aligned(content + size);
        }
    }

    private static int field(String header, int index) {
        return Integer.parseUnsignedInt(header, 6 + 8 * index, 14 + 8 * index, 16);
    }

    private static int aligned(int offset) {
        return (offset + 3) / 4 * 4;
    }

    private static byte[] sample() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (CpioArchive archive = new CpioArchive(bytes)) {
            archive.file("init", 0755, "#!/bin/sh\n".getBytes(StandardCharsets.UTF_8));
            archive.folder("usr/lib");
            archive.file("usr/lib/four", 0644, "4444".getBytes(StandardCharsets.UTF_8));
            archive.file("usr/lib/none", 0600, new byte[0]);
            archive.link("lib", "usr/lib");
        }
        return bytes.toByteArray();
    }

    @Test
    void everyEntryIsFoundAgain() throws IOException {
        assertThat(read(sample())).containsExactly(new Entry("init", 0100755, 1, "#!/bin/sh\n"),
                new Entry("usr", 0040755, 2, ""), new Entry("usr/lib", 0040755, 3, ""),
                new Entry("usr/lib/four", 0100644, 4, "4444"), new Entry("usr/lib/none", 0100600, 5, ""),
                new Entry("lib", 0120777, 6, "usr/lib"));
    }

    @Test
    void equalContentsGiveEqualBytes() throws IOException {
        assertThat(sample()).isEqualTo(sample());
    }

    @Test
    void absolutePathsAreRefused() throws IOException {
        try (CpioArchive archive = new CpioArchive(new ByteArrayOutputStream())) {
            assertThatThrownBy(() -> archive.file("/init", 0755, new byte[0]))
                    .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("\"/init\"");
        }
    }
}
