"""Search by meaning: a vector for each passage of each note.

An encoder turns a text into a vector so that texts about the same thing lie close together. It is
a Transformer whose outputs, one for each word piece, are averaged and scaled to unit length:
Sentence-BERT with mean pooling (Reimers and Gurevych 2019, §3). The encoder that comes along is
all-MiniLM-L6-v2, six layers distilled from a larger model's self-attention (Wang et al. 2020,
"MiniLM") and then trained on pairs of sentences that belong together, 384 numbers a text.

It reads 256 word pieces, so a note is cut into passages first, each under the title and the
headings it stands under (`data`), and a note is as close to a query as its closest passage.

Left out: training an encoder, either on sentence pairs (Reimers and Gurevych 2019, §3.1) or by
distillation, whose weights are taken as published; the other poolings of their Table 6; and
cross-encoders, which read query and passage together, and would have to read each candidate anew
for each query.
"""
