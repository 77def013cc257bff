package sluice.guest.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** How often and how long a benchmark measures, and the file for its figures; a mixin for picocli. */
final class RoundOptions {
    @Option(names = "--json", paramLabel = "FILE", description = "Write everything that was measured as JSON.")
    private @Nullable Path json;

    @Option(names = "--rounds", paramLabel = "N", description = "Rounds of each workload (default ${DEFAULT-VALUE}).")
    private int rounds;

    @Option(names = "--millis", paramLabel = "N", description = "Length of a round in ms (default ${DEFAULT-VALUE}).")
    private int millis;

    @Option(names = "--warm-up", paramLabel = "MS", description = "How long each workload runs before the first round, in ms (default ${DEFAULT-VALUE}).")
    private int warmUp;

    /** With the benchmark's defaults. */
    RoundOptions(int rounds, int millis, int warmUp) {
        this.rounds = rounds;
        this.millis = millis;
        this.warmUp = warmUp;
    }

    /** @throws ParameterException of this command, if a number is not positive */
    void check(CommandSpec command) {
        if (rounds < 1 || millis < 1 || warmUp < 1)
            throw new ParameterException(command.commandLine(), "--rounds, --millis and --warm-up must be 1 or more");
    }

    int rounds() {
        return rounds;
    }

    /** Length of a round. */
    int millis() {
        return millis;
    }

    /** Length of the time before the first, in milliseconds. */
    int warmUpMillis() {
        return warmUp;
    }

    /** Writes the figures, if a file was given for them. */
    void write(JsonElement figures) throws IOException {
        if (json != null)
            Files.writeString(json, new GsonBuilder().setPrettyPrinting().create().toJson(figures) + "\n");
    }
}
