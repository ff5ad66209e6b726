import { testMessageFaults } from './support/testMessageFaults.js';

// The smallest model that has segments; `faults.messages.matrix.ts` does the same with a whole run.
testMessageFaults({
  components: ['text_encoder', 'tokenizer'],
  work: async (pipe) => {
    const { input_ids } = pipe.tokenizer.encode('a cat');
    return (await pipe.components['text_encoder']!.call({ input_ids })).last_hidden_state!.data;
  },
});
