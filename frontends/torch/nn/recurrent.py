"""nn.RNN, LSTM, GRU and their cells: the loop over time is one stablehlo.while."""
