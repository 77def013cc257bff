package sluice.guest;

import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

class ProgramFileTest {
    @TempDir
    private Path folder;

    @Test
    void programsWithALoaderAreToldFromOthers() throws Exception {
        assertThat(ProgramFile.isDynamic(Path.of("/bin/ls").toRealPath())).isTrue();
        assertThat(ProgramFile.isDynamic(Path.of("/bin/busybox").toRealPath())).isFalse();
        assertThat(ProgramFile.isDynamic(Files.writeString(folder.resolve("script"), "#!/bin/sh\nexit 0\n"))).isFalse();
    }

    @Test
    void aBrokenOneIsRefused() throws Exception {
        byte[] elf = Files.readAllBytes(Path.of("/bin/ls").toRealPath());
        elf[0x27] = 0x7F; // the program headers' offset
        Path file = Files.write(folder.resolve("broken"), elf);
        assertThatIOException().isThrownBy(() -> ProgramFile.isDynamic(file)).withMessageContaining("not a program");
    }
}
