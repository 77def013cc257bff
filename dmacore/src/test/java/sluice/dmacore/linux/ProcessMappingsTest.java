package sluice.dmacore.linux;

import java.io.IOException;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** Mappings of a process as the kernel lists them. */
class ProcessMappingsTest {
    private static final String PRIVATE = "7f9bbbfff000-7f9bdbfff000 rw-p 00000000 00:01 9166937                    /memfd:mem (deleted)";
    private static final String SHARED = "7f9c200d4000-7f9c20200000 rw-s 00000000 00:01 9166937                    /memfd:mem (deleted)";
    private static final String OTHER = "7f9c200d4000-7f9c20200000 rw-p 00000000 fe:00 9166937                    /a b";
    private static final FileStatus FILE = new FileStatus(FileStatus.makeDevice(0, 1), 9_166_937, 4096, 0x81ff);

    @Test
    void onlyPrivateOnesAreFound() {
        assertThat(ProcessMappings.arePrivate(Stream.of(OTHER, PRIVATE, PRIVATE), FILE)).isTrue();
        assertThat(ProcessMappings.arePrivate(Stream.of(PRIVATE, SHARED), FILE)).isFalse();
        assertThat(ProcessMappings.arePrivate(Stream.of(OTHER, "", "nonsense"), FILE)).isFalse();
    }

    @Test
    void thoseOfThisProcessAreReadAsTheKernelWritesThem() throws IOException {
        try (Fd file = Memfd.create("mappings", 0)) {
            int self = (int) ProcessHandle.current().pid();
            assertThat(ProcessMappings.arePrivate(self, FileStatus.of(file))).as("not mapped").isFalse();
        }
        assertThatExceptionOfType(IOException.class).isThrownBy(() -> ProcessMappings.arePrivate(-1, FILE));
    }
}
