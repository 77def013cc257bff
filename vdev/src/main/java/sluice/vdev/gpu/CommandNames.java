package sluice.vdev.gpu;

import java.util.EnumMap;
import java.util.Map;

import sluice.dmacore.buffer.DmaCore;
import sluice.vdev.queue.Chain;

/** The names of commands in the trace. */
final class CommandNames {
    private final Map<CommandType, Integer> numbers = new EnumMap<>(CommandType.class);

    private CommandNames() {}

    /** Gives each command a number. */
    static CommandNames of(DmaCore core) {
        CommandNames names = new CommandNames();
        for (CommandType type : CommandType.values()) names.numbers.put(type, core.named(type.name()));
        return names;
    }

    /** Names a request. */
    void give(Chain chain, CommandType type) {
        Integer number = numbers.get(type);
        if (number != null) chain.setName(number);
    }
}
