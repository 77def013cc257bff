package sluice.vdev.vfg7350;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import sluice.vdev.plugin.WrongOptionException;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIOException;

/** The card's options where no codec is there, or one that cannot be used; with one see vdev/codec. */
class Vfg7350ProviderTest {
    @TempDir
    private Path folder;
    private final ClassLoader before = Thread.currentThread().getContextClassLoader();

    @BeforeEach
    void hideCodecs() {
        Thread.currentThread().setContextClassLoader(ClassLoader.getPlatformClassLoader());
    }

    @AfterEach
    void showCodecs() {
        Thread.currentThread().setContextClassLoader(before);
    }

    private static String end(String... options) throws Exception {
        try (ServedDevice device = new ServedDevice(new Vfg7350Provider(), options)) {
            return device.end();
        }
    }

    @Test
    void withoutACodecItSendsNumberedPackets() throws Exception {
        assertThat(end()).doesNotContain("\"pictures\"");
        assertThat(end("bit-rate", "1000")).doesNotContain("\"pictures\"");
    }

    @Test
    void whatNeedsACodecIsRefusedInASentence() throws Exception {
        assertThatIOException().isThrownBy(() -> end("pattern", ""))
                .withMessage(
                        "the pattern cannot be encoded: no codec is built; --codec builds one (vdev/codec/README.md)");
        Path film = Files.writeString(folder.resolve("film.y4m"), "YUV4MPEG2 W16 H16\nFRAME\n");
        assertThatIOException().isThrownBy(() -> end("file", film.toString()))
                .withMessage(film + " cannot be encoded: no codec is built; --codec builds one (vdev/codec/README.md)");
    }

    @Test
    void whatNeedsNoneWorks() throws Exception {
        byte[] packets = new byte[2 * 188];
        packets[0] = 0x47;
        Path stream = Files.write(folder.resolve("stream.ts"), packets);
        assertThat(end("file", stream.toString())).contains("buffers");
        assertThat(end("numbered", "")).contains("buffers");
    }

    @Test
    void anEngineThatCannotBeUsedIsSaid() throws Exception {
        Path services = Files.createDirectories(folder.resolve("META-INF/services"));
        Files.writeString(services.resolve("sluice.vdev.codec.CodecEngine"), "no.such.Engine\n");
        try (URLClassLoader broken = new URLClassLoader(new URL[]{ folder.toUri().toURL() },
                ClassLoader.getPlatformClassLoader())) {
            Thread.currentThread().setContextClassLoader(broken);
            assertThatExceptionOfType(IOException.class).isThrownBy(() -> end("pattern", ""))
                    .withMessageMatching(
                            "pictures cannot be encoded: a codec engine on the class path cannot be used: .*"
                                    + "no.such.Engine.*; numbered needs no codec");
            assertThat(end("numbered", "")).contains("buffers");
        }
    }

    @Test
    void oneSourceIsEnough() {
        assertThatExceptionOfType(WrongOptionException.class).isThrownBy(() -> end("pattern", "", "numbered", ""))
                .withMessage("vfg7350: pattern, numbered and file=FILE: give one of them");
    }
}
