package sluice.vdev.qemu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Programs that answer as QEMU does. */
class InstalledQemuTest {
    @TempDir
    private Path folder;

    @AfterEach
    void forget() {
        System.clearProperty(QemuBinary.PROPERTY);
    }

    /** A program that counts how often it was asked for its devices. */
    private Path qemu(String name, String version, String... devices) throws IOException {
        Path program = folder.resolve(name);
        Files.createDirectories(program.getParent());
        StringBuilder script = new StringBuilder(
                "#!/bin/sh\nif [ \"$1\" = --version ]; then echo 'QEMU emulator version "
                        + version + " (Debian)'; exit; fi\necho asked >>" + folder.resolve("asked") + "\n");
        for (String device : devices) {
            script.append("echo 'name \"").append(device).append("\", bus PCI'\n");
        }
        Files.writeString(program, script);
        return Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
    }

    private int timesAsked() throws IOException {
        return Files.readAllLines(folder.resolve("asked")).size();
    }

    @Test
    void itIsAskedAgainOnlyWhenItHasChanged() throws IOException, InterruptedException {
        CacheFolder cache = new CacheFolder(folder);
        Path program = qemu("q", "10.0.2", "vhost-user-gpu-pci", "vhost-user-gpu-pci-else");
        InstalledQemu first = InstalledQemu.of(program, cache);
        assertThat(first.binary()).isEqualTo(new QemuBinary(program, "10.0.2"));
        assertThat(first.devices()).containsExactly(QemuDevice.VHOST_USER_GPU);
        assertThat(InstalledQemu.of(program, cache)).isEqualTo(first);
        assertThat(timesAsked()).isEqualTo(1);

        qemu("q", "11.1.3", "vhost-user-gpu-pci", "vfio-user-pci", "vhost-user-test-device-pci",
                "vhost-user-media-pci");
        Files.setLastModifiedTime(program, FileTime.fromMillis(1_000));
        assertThat(InstalledQemu.of(program, cache).binary().version()).isEqualTo("11.1.3");
        assertThat(InstalledQemu.of(program, cache).devices()).containsExactly(QemuDevice.values());
        assertThat(timesAsked()).isEqualTo(2);
    }

    @Test
    void allThatRunAreFoundAndOthersNamed() throws IOException, InterruptedException {
        CacheFolder cache = new CacheFolder(folder.resolve("cache"));
        Path set = qemu("mine", "12.0.0");
        Path old = qemu("cache/qemu/bookworm/" + QemuBinary.NAME, "7.2.22", "vhost-user-gpu-pci");
        Path broken = qemu("cache/qemu/trixie/" + QemuBinary.NAME, "-");
        System.setProperty(QemuBinary.PROPERTY, set.toString());
        List<String> problems = new ArrayList<>();
        List<Path> found = InstalledQemu.all(cache, problems).stream().map(qemu -> qemu.binary().path()).toList();
        assertThat(found).startsWith(set).endsWith(old).doesNotContain(broken);
        assertThat(problems).singleElement().asString().startsWith(broken + " does not look like QEMU");
        assertThat(QemuBinary.find(null).path()).isEqualTo(set);
        assertThat(QemuBinary.find(old).version()).as("old, but asked for").isEqualTo("7.2.22");
    }

    @Test
    void sentencesSayWhatItHasAndLacks() throws IOException, InterruptedException {
        Path program = qemu("q", "7.2.22", "vhost-user-gpu-pci");
        assertThat(InstalledQemu.of(program, new CacheFolder(folder)).sentence()).isEqualTo(program
                + ", has vhost-user-gpu-pci (under KVM only), lacks vfio-user-pci, vhost-user-test-device-pci, vhost-user-media-pci");
    }

    @Test
    void tooOldAndMissingOnesAreRefusedWithASentence() throws IOException {
        Path program = qemu("q", "6.2.0");
        assertThatThrownBy(() -> QemuBinary.find(program)).isInstanceOf(IOException.class)
                .hasMessage(program
                        + " is QEMU 6.2.0, but version 7 or later is needed: run guest-tests/host/packages.sh");
        assertThatThrownBy(() -> QemuBinary.find(Path.of("/nowhere/qemu"))).isInstanceOf(IOException.class)
                .hasMessage("/nowhere/qemu is not an executable file");
    }
}
