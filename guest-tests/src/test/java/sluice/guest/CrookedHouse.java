package sluice.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Classes that break the rules of the house, compiled when they are needed: each lies where the rule forbids what it
 * does. A rule that none of them breaks proves nothing.
 */
final class CrookedHouse {
    private static final Map<String, String> SOURCES = Map.ofEntries(
            source("sluice.iommu.LooksUp", "sluice.dmacore.memory.Runs up;"),
            source("sluice.dmacore.memory.LooksFarUp", "sluice.vdev.queue.Chain up;"),
            source("sluice.vdev.io.LooksAtTests", "sluice.guest.CrookedTop up;"),
            source("sluice.guest.CrookedTop", ""),
            source("sluice.dmacore.memory.HalfACycle", "sluice.dmacore.crooked.OtherHalf other;"),
            source("sluice.dmacore.crooked.OtherHalf", "sluice.dmacore.memory.HalfACycle half;"),
            source("sluice.dmacore.fence.KnowsMemory", "sluice.dmacore.memory.Runs runs;"),
            source("sluice.dmacore.space.KnowsFences", "sluice.dmacore.fence.Fence fence;"),
            source("sluice.dmacore.buffer.KnowsFences", "sluice.dmacore.fence.Fence fence;"),
            source("sluice.dmacore.finding.KnowsFenceFindings", "sluice.dmacore.finding.fence.FenceFindings found;"),
            source("sluice.vdev.queue.Links",
                    "java.lang.foreign.Linker linker = java.lang.foreign.Linker.nativeLinker();"),
            source("sluice.vdev.queue.LooksSymbolsUp", "java.lang.foreign.SymbolLookup symbols;"),
            source("sluice.dmacore.memory.Unsafe", "sun.misc.Unsafe unsafe;"),
            source("sluice.vdev.io.ReadsBytes", "net.openhft.chronicle.bytes.Bytes<?> bytes;"),
            source("sluice.dmacore.memory.ReadsBytes", "net.openhft.chronicle.bytes.Bytes<?> bytes;"),
            source("sluice.dmacore.trace.ReadsBytes", "net.openhft.chronicle.bytes.Bytes<?> bytes;"),
            source("sluice.vdev.gpu.OpensChannels", "io.netty.channel.Channel channel;"),
            source("sluice.vdev.console.KnowsAServerOfScreens", "sluice.vdev.rfb.RfbServer server;"),
            source("sluice.vdev.report.KnowsAReader", "sluice.vdev.console.ConsoleServer console;"),
            source("sluice.vdev.gpu.KnowsItsViewers", "sluice.vdev.rfb.RfbServer server;"),
            source("sluice.vdev.rfb.KnowsATransport", "sluice.vdev.vhostuser.BackEnd backEnd;"),
            source("sluice.vdev.queue.KnowsItsHost", "sluice.vdev.host.Loops host;"),
            source("sluice.vdev.device.KnowsItsTransport", "sluice.vdev.vhostuser.BackEnd backEnd;"),
            source("sluice.vdev.vhostuser.KnowsADevice", "sluice.vdev.gpu.Rectangle area;"),
            source("sluice.vdev.virtiopci.KnowsADevice", "sluice.vdev.gpu.Rectangle area;"),
            source("sluice.vdev.io.KnowsQueues", "sluice.vdev.queue.Virtqueue queue;"),
            source("sluice.vdev.cli.ServesItself", "sluice.vdev.host.Loops loops;"),
            source("sluice.vdev.serve.KnowsADevice", "sluice.vdev.grabber.Grabber grabber;"),
            source("sluice.vdev.codec.KnowsALibrary", "org.bytedeco.Library library;"),
            source("sluice.vdev.codec.KnowsACard", "sluice.vdev.vfg7350.Vfg7350 card;"),
            source("sluice.vdev.vfg7350.KnowsAnEngine", "org.bytedeco.Library library;"),
            source("org.bytedeco.Library", ""),
            source("sluice.vdev.unmarked.NoRoomOfItsOwn", ""));

    private CrookedHouse() {}

    private static Map.Entry<String, String> source(String name, String member) {
        int dot = name.lastIndexOf('.');
        return Map.entry(name.replace('.', '/') + ".java", "package %s; public class %s { public %s }"
                .formatted(name.substring(0, dot), name.substring(dot + 1), member.isEmpty() ? "int none;" : member));
    }

    /** Builds it in {@code folder}. */
    static JavaClasses build(Path folder) throws IOException {
        Path classes = folder.resolve("classes");
        List<String> arguments = new ArrayList<>(List.of("-nowarn", "-proc:none", "-d", classes.toString(), "-cp",
                System.getProperty("java.class.path")));
        for (Map.Entry<String, String> source : SOURCES.entrySet()) {
            Path file = folder.resolve("sources").resolve(source.getKey());
            Files.createDirectories(file.getParent());
            Files.writeString(file, source.getValue());
            arguments.add(file.toString());
        }
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        assertThat(compiler.run(null, null, null, arguments.toArray(String[]::new))).as("errors of the compiler")
                .isZero();
        JavaClasses built = new ClassFileImporter().importPath(classes);
        assertThat(built).hasSize(SOURCES.size());
        return built;
    }
}
