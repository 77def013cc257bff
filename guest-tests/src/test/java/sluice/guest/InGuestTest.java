package sluice.guest;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.vdev.qemu.QemuBinary;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The tests of dmacore and vdev that need real dma-bufs, on a JVM inside a guest: stock kernels of Debian have {@code /dev/udmabuf}, the
 * heap {@code system} and the importer vgem, and hosts seldom do. Each test of the guest is a test here, too.
 */
@Tag("guest")
@Tag("matrix")
@ParameterizedClass(name = "{0}")
@MethodSource("configurations")
class InGuestTest {
    private static final Duration BOOT = Duration.ofSeconds(60);
    private static final Duration TESTS = Duration.ofMinutes(3);
    private static final int MEMORY_MIB = 1024;
    /** Of 2 MiB; the largest test takes 16. */
    private static final int HUGE_PAGES = 20;
    /** From each, the guest needs the jar that it is in. */
    private static final List<String> CLASSES = List.of("sluice.dmacore.inside.GuestTests", "sluice.dmacore.linux.Fd",
            "sluice.iommu.AddressRange", "org.junit.platform.launcher.Launcher", "org.junit.platform.engine.TestEngine",
            "org.junit.platform.commons.JUnitException", "org.junit.jupiter.engine.JupiterTestEngine",
            "org.junit.jupiter.api.Test", "org.junit.jupiter.params.ParameterizedTest",
            "org.opentest4j.AssertionFailedError", "org.assertj.core.api.Assertions", "org.slf4j.Logger",
            "org.slf4j.jul.JDK14LoggerFactory", "sluice.vdev.display.DisplayLink",
            "sluice.vdev.display.UdmabufDisplayTest", "org.HdrHistogram.Histogram", "io.netty.util.Timer",
            "io.netty.buffer.ByteBuf",
            "io.netty.channel.Channel", "io.netty.resolver.NameResolver", "io.netty.channel.unix.Unix",
            "io.netty.channel.epoll.Epoll", "io.netty.handler.logging.LogLevel",
            "io.netty.handler.codec.DecoderException");
    /** A native library, in a jar without classes. */
    private static final String EPOLL = "META-INF/native/libnetty_transport_native_epoll_x86_64.so";
    private static final List<String> JAVA = List.of(GuestJvm.JAVA, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
            "-Xmx128m", "-ea", "--enable-native-access=ALL-UNNAMED", "-Dstdout.encoding=UTF-8",
            "-Dsluice.patience=6", "-Dio.netty.machineId=02:00:00:00:00:01", "-cp", "'/app/*'",
            CLASSES.getFirst());
    /** What each JVM runs: all tests of dmacore that are tagged so, and those of a class. */
    private static final List<String> RUNS = List.of("", " sluice.vdev.display.UdmabufDisplayTest");

    private final TestQemu qemu;

    InGuestTest(TestQemu qemu) {
        this.qemu = qemu;
    }

    static List<TestQemu> configurations() {
        return Configurations.of(List.of(TestQemu.QEMU_11), List.of(TestQemu.QEMU_10));
    }

    @TestFactory
    Stream<DynamicTest> inside() throws Exception {
        QemuBinary binary = qemu.binary();
        GuestImage image = image(GuestKernel.forQemu(binary, TestQemu.CACHE));
        QemuLaunch launch = new QemuLaunch(binary).accelerator(Accelerator.best(binary, image, TestQemu.CACHE))
                .memory(MEMORY_MIB).boot(image, "sluice.run=serve hugepages=" + HUGE_PAGES);
        List<String> lines;
        String complaints;
        try (Qemu guest = launch.start()) {
            try {
                complaints = run(guest.console());
            } finally {
                lines = guest.console().lines();
                Files.write(target("txt"), lines);
            }
        }
        lines.stream().filter(line -> line.startsWith("a pair of syncs")).forEach(System.out::println);
        GuestResults results = GuestResults.of(lines);
        List<DynamicTest> tests = new ArrayList<>();
        for (GuestResults.Result result : results.results()) {
            tests.add(DynamicTest.dynamicTest(result.test(), result::assertPassed));
        }
        tests.add(DynamicTest.dynamicTest("every test was told of", results::assertComplete));
        tests.add(DynamicTest.dynamicTest("the kernel has not complained",
                () -> assertThat(complaints).as("status of grep for errors in the kernel's log").isEqualTo("1")));
        return tests.stream();
    }

    /** Boots, runs the tests, and returns the status of a search for errors in the kernel's log: 1 if it finds none. */
    private String run(Console console) throws Exception {
        long began = System.nanoTime();
        String release = console.waitFor("^SLUICE boot (.+)$", BOOT).group(1);
        console.waitFor("^SLUICE ready$", BOOT);
        long ready = System.nanoTime();
        console.send("ip link set lo up"); // Netty looks for it
        console.waitFor("^SLUICE exit 0$", BOOT);
        for (String arguments : RUNS) {
            console.send(String.join(" ", JAVA) + arguments);
            String said = console.waitFor("^SLUICE (?:tests [1-9]\\d*|exit \\d+)$", TESTS).group();
            assertThat(said).as("what a JVM says that has run tests:\n%s\n", console.tail()).startsWith("SLUICE tests");
            String status = console.waitFor("^SLUICE exit (\\d+)$", BOOT).group(1);
            assertThat(status).as("what the JVM ended with:\n%s\n", console.tail()).isEqualTo("0");
        }
        System.out.printf("%s, Linux %s: %.1f s to boot, %.1f s for the tests%n", qemu, release,
                (ready - began) / 1e9, (System.nanoTime() - ready) / 1e9);
        console.send("dmesg -r | grep '^<[0-3]>'"); // the kernel's levels from emergency to error
        return console.waitFor("^SLUICE exit (\\d+)$", BOOT).group(1);
    }

    /** An output file of this run. */
    private Path target(String extension) throws IOException {
        Path folder = Files.createDirectories(Path.of("target").toAbsolutePath());
        return folder.resolve("in-guest-" + qemu.name().toLowerCase(Locale.ROOT) + "." + extension);
    }

    /**
     * The JVM in an image of the cache, and behind it the classes under test, which change with each build: the kernel unpacks
     * one archive after the other.
     */
    private GuestImage image(GuestKernel kernel) throws Exception {
        GuestImage jvm = GuestImage.of(kernel).module("vgem").tree(GuestJvm.folder(TestQemu.CACHE))
                .build(TestQemu.CACHE);
        Path initrd = target("cpio");
        try (OutputStream stream = new BufferedOutputStream(Files.newOutputStream(initrd))) {
            Files.copy(jvm.initrd(), stream);
            try (CpioArchive archive = new CpioArchive(stream)) {
                for (String name : CLASSES) {
                    String jar = name.substring(name.lastIndexOf('.') + 1) + ".jar";
                    archive.file("app/" + jar, 0644, GuestJvm.jarOf(Class.forName(name)));
                }
                archive.file("app/epoll.jar", 0644, GuestJvm.jarWith(EPOLL));
            }
        }
        return new GuestImage(kernel, initrd);
    }
}
