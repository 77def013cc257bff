package sluice.guest.build;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.List;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.qemu.HostCommand;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

/** Modules are built with the headers of both kernels that guests boot, and once for each content. */
class KernelModuleTest {
    private static final String SOURCE = """
            // SPDX-License-Identifier: GPL-2.0
            #include <linux/ftrace.h>
            #include <linux/module.h>
            #include <linux/tracepoint.h>
            static struct ftrace_ops ops;
            static int __init begin(void)
            {
            	return register_ftrace_function(&ops);
            }
            static void __exit end(void)
            {
            	unregister_ftrace_function(&ops);
            	tracepoint_synchronize_unregister();
            }
            module_init(begin);
            module_exit(end);
            MODULE_LICENSE("GPL");
            """;

    @TempDir
    private Path folder;

    private Path sources;
    private CacheFolder cache;

    @BeforeEach
    void write() throws IOException {
        sources = Files.createDirectories(folder.resolve("sources"));
        cache = new CacheFolder(folder.resolve("cache"));
        Files.writeString(sources.resolve("Kbuild"), "obj-m := small.o\n");
        Files.writeString(sources.resolve("small.c"), SOURCE);
    }

    /** Those that {@code packages.sh} has unpacked. */
    private static KernelHeaders headers(String link) throws IOException {
        CacheFolder user = CacheFolder.ofUser();
        String release = Files.readSymbolicLink(user.path().resolve("kernel").resolve(link)).toString();
        return KernelHeaders.of(release, Path.of("/nowhere"), user);
    }

    private KernelModule build(String link) throws IOException, InterruptedException {
        return KernelModule.build(headers(link), "small", sources, cache);
    }

    @ParameterizedTest
    @ValueSource(strings = { "current", "newest" })
    void aModuleIsBuiltOnceForEachContent(String link) throws Exception {
        KernelModule module = build(link);
        String information = HostCommand.text(List.of("strings", module.file().toString()));
        assertThat(information).contains("vermagic=" + headers(link).release() + " ", "name=small", "license=GPL");
        FileTime built = Files.getLastModifiedTime(module.file());
        assertThat(build(link)).isEqualTo(module);
        assertThat(Files.getLastModifiedTime(module.file())).isEqualTo(built);
        Files.writeString(sources.resolve("small.c"), "MODULE_DESCRIPTION(\"another\");\n",
                StandardOpenOption.APPEND);
        assertThat(build(link).file()).isNotEqualTo(module.file()).exists();
    }

    @Test
    void whatTheCompilerSaysIsTold() throws Exception {
        Files.writeString(sources.resolve("small.c"), "int broken = ;\n");
        assertThatIOException().isThrownBy(() -> build("current")).withMessageContaining("small.c:1:")
                .withMessageContaining("error:");
        assertThat(cache.folder("modules/" + headers("current").release())).isEmptyDirectory();
    }

    @Test
    void ourOwnModulesAreFoundByName() throws Exception {
        assertThat(KernelModule.build(headers("current"), "seam", cache).file()).exists();
        assertThatIOException().isThrownBy(() -> KernelModule.build(headers("current"), "nothing", cache))
                .withMessageContaining("no kernel module nothing in guest-tests/kmod");
    }

    @Test
    void aKernelsOwnBuildFolderComesFirst() throws Exception {
        Path modules = Files.createDirectories(folder.resolve("modules"));
        assertThatIOException().isThrownBy(() -> KernelHeaders.of("1.2.3", modules, cache))
                .withMessageContaining("run guest-tests/host/packages.sh modules");
        Path unpacked = Files.createDirectories(cache.path().resolve("headers/1.2.3/build"));
        Files.createFile(unpacked.resolve("Makefile"));
        assertThat(KernelHeaders.of("1.2.3", modules, cache).build()).isEqualTo(unpacked);
        Path own = Files.createDirectories(modules.resolve("build"));
        Files.createFile(own.resolve("Makefile"));
        assertThat(KernelHeaders.of("1.2.3", modules, cache).build()).isEqualTo(own);
    }
}
