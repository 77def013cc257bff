package sluice.vdev.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.serve.DeviceArgument;
import sluice.vdev.serve.DeviceCatalog;

import static org.assertj.core.api.Assertions.assertThat;

/** What is read without picocli is what picocli would have read; all else is left to it. */
class QuickStartTest {
    private static final int DRAWS = 200;
    private static final long SEED = 16;

    private static Stream<DeviceProvider> providers() {
        return DeviceCatalog.own().stream();
    }

    private static List<DeviceArgument> read(String... line) {
        return Objects.requireNonNull(QuickStart.of(line), "picocli is not needed").devices();
    }

    @ParameterizedTest
    @MethodSource("providers")
    void picocliReadsTheSame(DeviceProvider provider) {
        System.out.println("seed " + SEED);
        Random random = new Random(SEED);
        List<DeviceOption> known = List.copyOf(DeviceArgument.known(provider).values());
        for (int i = 0; i < DRAWS; i++) {
            List<String> options = new ArrayList<>();
            for (DeviceOption option : known) {
                int times = option.repeatable() ? random.nextInt(3) : random.nextInt(2);
                for (int k = 0; k < times; k++) options.add(drawn(option, random));
            }
            if (options.isEmpty()) continue;
            List<DeviceArgument> quick = read(line(provider.name(), options));
            CommandLine command = DeviceCommand.of(provider);
            command.parseArgs(options.toArray(String[]::new));
            assertThat(quick).containsExactly(((DeviceCommand) command.getCommandSpec().userObject()).argument());
        }
    }

    private static String drawn(DeviceOption option, Random random) {
        String name = "--" + option.name();
        if (option.value().isEmpty()) return name;
        List<String> values = List.of("1", "/tmp/a b,c", "x=y", "\"quoted\"", "ä", "@file", "${x}");
        return name + "=" + values.get(random.nextInt(values.size()));
    }

    private static String[] line(String name, List<String> options) {
        return Stream.concat(Stream.of(name), options.stream()).toArray(String[]::new);
    }

    @ParameterizedTest
    @ValueSource(strings = { "--help", "-h", "--socket-path", "--socket-path=", "--socket-path /tmp/x", "--no-such=1",
            "--snapshot=a", "socket-path=/tmp/x", "@file", "--socket-path=/a --socket-path=/b", "--record=/tmp/r",
            "--socket-path=/a -v", "--socket-path=--help", "--print-capabilities", "--version" })
    void picocliIsAskedAboutTheRest(String options) {
        assertThat(QuickStart.of(line("gpu", List.of(options.split(" "))))).isNull();
    }

    @Test
    void severalDevices() {
        assertThat(read("serve", "--device=gpu,socket-path=/a", "--device=grabber,fd=3")).containsExactly(
                DeviceArgument.parse("gpu,socket-path=/a"),
                DeviceArgument.parse("grabber,fd=3"));
    }

    @ParameterizedTest
    @ValueSource(strings = { "serve --list", "serve --device=gpu,fd=3 --plugin=x.jar", "serve", "trace file",
            "no-such --fd=3", "gpu" })
    void otherCommandsAreLeftToPicocli(String line) {
        assertThat(QuickStart.of(line.split(" "))).isNull();
    }
}
